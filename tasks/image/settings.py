"""What training on images takes, and how what is dropped is read."""

from __future__ import annotations

from pydantic import Field

from domain.data.settings import DataSettings


class Data(DataSettings):
    """Pictures, in archives."""

    features: tuple[str, ...] | None = Field(
        ("image",), min_length=1, max_length=1, description="what the picture of a row is called"
    )
