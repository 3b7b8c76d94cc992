"""What training on images takes, and how what is dropped is read."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from domain.data.settings import DataSettings
from tasks.fine_tuning import FineTuned, FineTuning


class Hyperparameters(FineTuning):
    """What `tasks/image/train.py` takes. A network that is trained from scratch wants a higher learning rate: 3e-3."""

    epochs: int = Field(10, ge=1, le=100, description="how often all rows are learned from, at most")
    # Batch normalization has nothing to normalize by in a batch of one.
    batch_size: int = Field(32, ge=2, le=1024, description="rows a step and device")
    learning_rate: float = Field(3e-4, gt=0, le=1, description="the highest rate, after warm-up")
    patience: int = Field(
        3, ge=1, description="epochs without a better macro-F1 on validation rows before training stops"
    )
    image_size: int = Field(
        224, ge=16, le=512, description="pixels on each side of what the model sees: a picture is resized to a square"
    )
    augmentation: str = Field(
        "shift",
        pattern="^(none|shift|flip)$",
        description="how pictures are varied while they are learned from: `none`; `shift`: moved by up to a 14th of a "
        "side; `flip`: also mirrored left to right, which is wrong where that changes the label (digits, letters, "
        "arrows)",
    )


class Training(FineTuned):
    """Fine-tuning of an image classifier. The default is ResNet-18; without a base model a small ResNet learns from the
    pictures alone.
    """

    base_model: str | None = Field(
        "microsoft/resnet-18",
        min_length=1,
        description="the pretrained model: a hub id, or an `s3://bucket/prefix/` with its files; null: a small network "
        "that is trained from scratch",
    )
    base_revision: str | None = Field(
        "65a5785d9156231087c481e0c7dd33a5ff6f7e3e",
        min_length=1,
        description="the hub's revision of it, pinned; of another `base_model` there is none until it is set",
    )
    hyperparameters: Hyperparameters = Hyperparameters()

    @model_validator(mode="before")
    @classmethod
    def _the_revision_is_that_of_the_default(cls, given: Any) -> Any:
        if isinstance(given, dict) and "base_model" in given:
            return {"base_revision": None, **given}
        return given


class Data(DataSettings):
    """Pictures, in archives."""

    features: tuple[str, ...] | None = Field(
        ("image",), min_length=1, max_length=1, description="what the picture of a row is called"
    )
