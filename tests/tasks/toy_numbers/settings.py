"""What training the task takes: nothing."""

from __future__ import annotations

from domain import settings


class Hyperparameters(settings.Hyperparameters, extra="forbid"):
    """None."""


class Training(settings.TrainingSettings):
    """The defaults."""

    hyperparameters: Hyperparameters = Hyperparameters()
