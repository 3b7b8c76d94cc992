"""What training on images takes, and how what is dropped is read."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from domain.data.settings import DataSettings

# What decodes pictures, as the requirements pin it (a test compares): another version may see other pixels.
DECODER: Final = "pillow==13.0.0"


class Data(DataSettings):
    """Pictures, in archives. A picture's id follows from its pixels, so what decodes it is frozen with the epoch."""

    features: tuple[str, ...] | None = Field(
        ("image",), min_length=1, max_length=1, description="what the picture of a row is called"
    )

    def frozen(self) -> dict[str, object]:
        """As of all tasks, and the decoder."""
        return {**super().frozen(), "decoder": DECODER}
