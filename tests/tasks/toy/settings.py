"""What training the toy takes: a CPU and the least that is asked for a word to count."""

from __future__ import annotations

from domain import settings


class Hyperparameters(settings.Hyperparameters, extra="forbid"):
    """How many rows must have a word."""

    least: int = 1


class Training(settings.TrainingSettings):
    """The defaults, but for that."""

    hyperparameters: Hyperparameters = Hyperparameters()
