"""What training on tables takes."""

from __future__ import annotations

from pydantic import Field

from domain import settings
from domain.data.settings import DataSettings


class Hyperparameters(settings.Hyperparameters, extra="forbid"):
    """What `tasks/tabular/train.py` takes, by scikit-learn's names (HistGradientBoostingClassifier, …Regressor)."""

    max_iter: int = Field(500, ge=1, le=10_000, description="trees at most; of several labels, so many for each")
    learning_rate: float = Field(0.1, gt=0, le=1, description="how much of what is left to explain each tree explains")
    max_leaf_nodes: int = Field(31, ge=2, le=1024, description="leaves of a tree at most")
    min_samples_leaf: int = Field(20, ge=1, description="rows to learn from in a leaf at least")
    l2_regularization: float = Field(0.0, ge=0, description="what holds the values of small leaves down")
    n_iter_no_change: int = Field(
        10, ge=1, description="trees without a smaller loss on validation rows before training stops"
    )
    random_state: int = Field(42, ge=0, le=2**32 - 1, description="what makes a training the same again")


class Training(settings.TrainingSettings):
    """Boosted trees on one machine without a GPU. There is no base model: it learns from the rows alone."""

    base_model: None = Field(None, description="there is none: trees are learned from the rows alone")
    base_revision: None = Field(None, description="there is none")
    instance_count: int = Field(1, ge=1, le=1, description="one machine: trees are learned in seconds")
    hyperparameters: Hyperparameters = Hyperparameters()


class Data(DataSettings):
    """Tables: what is not said of their columns, the first file says."""

    features: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="the columns that the model reads; null: all that the first file has, but those named below",
    )
