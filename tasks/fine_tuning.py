"""The training settings of all tasks that fine-tune a pretrained model with the Trainer (`training/learning.py`)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from domain.section import Fraction
from domain.settings import INSTANCE_TYPE, AwsImage, Hyperparameters, TrainingSettings


class FineTuning(Hyperparameters, extra="forbid"):
    """The hyperparameters; `training/learning.py` has the same names for the job."""

    epochs: int = Field(3, ge=1, le=100, description="how often all rows are learned from, at most")
    batch_size: int = Field(16, ge=1, le=1024, description="rows a step and device")
    learning_rate: float = Field(5e-5, gt=0, le=1, description="the highest rate, after warm-up")
    seed: int = Field(42, ge=0, description="what makes a training the same again")
    warmup_ratio: Fraction = Field(0.1, description="the share of steps in which the rate rises")
    weight_decay: float = Field(0.01, ge=0, le=1, description="AdamW's")
    patience: int = Field(
        2, ge=1, description="epochs without a better macro-F1 on validation rows before training stops"
    )
    checkpoint_minutes: float = Field(
        10.0,
        gt=0,
        description="the longest time between two checkpoints; sooner if writing takes at most a twentieth of it",
    )


class FineTuned(TrainingSettings):
    """A job on a machine with a GPU, in AWS's image of transformers."""

    aws_image: ClassVar[AwsImage] = AwsImage("huggingface", "4.56.2", "pytorch2.8.0", "gpu")

    instance_type: str = Field("ml.g4dn.xlarge", pattern=INSTANCE_TYPE, description="where it trains")
    hyperparameters: FineTuning = FineTuning()
