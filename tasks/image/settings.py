"""What training on images takes, and how what is dropped is read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from domain.data.settings import DataSettings

_READ: Final = Path(__file__).with_name("requirements-read.txt")


class Data(DataSettings):
    """Pictures, in archives. What decodes them is frozen with the epoch: another version may see other pixels."""

    features: tuple[str, ...] | None = Field(
        ("image",), min_length=1, max_length=1, description="what the picture of a row is called"
    )

    def frozen(self) -> dict[str, object]:
        """As of all tasks, and the decoder that gives a picture its id."""
        return {**super().frozen(), "decoder": decoder()}


def decoder() -> str:
    """The library that decodes pictures with its version, as it is pinned: `pillow==13.0.0`."""
    (pin,) = (line for line in _READ.read_text(encoding="utf-8").splitlines() if line.startswith("pillow=="))
    return pin
