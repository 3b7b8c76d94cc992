"""Pictures as a network learns from them: decoded, varied, normalized.

How a picture is varied follows from the seed, the epoch and its place: a resumed run is the uninterrupted one.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.image.manifest import Channels
from tasks.image.picture import pixels

Pixels = NDArray[np.uint8]
# Decoded pictures are kept in memory up to so many bytes: 7,000 of 224 x 224, 450,000 of 28 x 28. With more, each is
# decoded anew in each epoch.
KEPT_BYTES: Final = 2**30
# The part of a side by which a picture is moved at most: 2 pixels of 28, 16 of 224.
_SHIFT: Final = 14


class Pictures(torch.utils.data.Dataset[dict[str, Any]]):
    """Rows for the Trainer: `pixel_values` (side, side, 3) of uint8, and `labels`, an index.

    A row is asked for as epoch * len + row (`training.learning.Examples.numbered`).
    """

    def __init__(
        self,
        texts: Sequence[str],
        labels: Sequence[int],
        side: int,
        *,
        augmentation: str = "none",
        seed: int = 0,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        """`texts` are base64 of canonical pictures."""
        self.labels = labels
        self._texts, self._side, self._augmentation, self._seed = texts, side, augmentation, seed
        # Decoding leaves the interpreter to others.
        self._pool = ThreadPoolExecutor(os.cpu_count())
        self._kept: Pixels | None = None
        if len(texts) * side * side * 3 <= kept_bytes:
            self._kept = np.empty((len(texts), side, side, 3), np.uint8)
            for row, found in enumerate(self._pool.map(self._decoded, texts)):
                self._kept[row] = found

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return self.__getitems__([place])[0]

    def __getitems__(self, places: Sequence[int]) -> list[dict[str, Any]]:
        """A batch's rows: PyTorch asks for them together."""
        numbered = [divmod(place, len(self)) for place in places]
        found = self._pool.map(self.seen, [row for _, row in numbered])
        return [
            {"pixel_values": self._varied(picture, epoch, row), "labels": self.labels[row]}
            for picture, (epoch, row) in zip(found, numbered, strict=True)
        ]

    def seen(self, row: int) -> Pixels:
        """The pixels of a row, as they are without variation."""
        return self._decoded(self._texts[row]) if self._kept is None else self._kept[row]

    def _decoded(self, text: str) -> Pixels:
        return pixels(base64.b64decode(text), self._side)

    def _varied(self, picture: Pixels, epoch: int, row: int) -> Pixels:
        if self._augmentation == "none":
            return picture
        return varied(picture, np.random.default_rng((self._seed, epoch, row)), self._augmentation == "flip")


class Normalized(torch.nn.Module):
    """Pixels (n, side, side, 3) of uint8 as networks take them: (n, 3, side, side), around 0."""

    scale: torch.Tensor
    offset: torch.Tensor

    def __init__(self, mean: Channels, std: Channels) -> None:
        super().__init__()
        by, middle = torch.tensor(std, dtype=torch.float64), torch.tensor(mean, dtype=torch.float64)
        self.register_buffer("scale", (1 / (255 * by)).float().reshape(3, 1, 1))
        self.register_buffer("offset", (-middle / by).float().reshape(3, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """See above."""
        return pixels.permute(0, 3, 1, 2).contiguous().float() * self.scale + self.offset


class Batch:
    """Makes a batch of rows, as the Trainer's collators do."""

    def __init__(self, normalized: Normalized) -> None:
        self._normalized = normalized

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """`pixel_values` and `labels` of `rows`."""
        stacked = torch.from_numpy(np.stack([row["pixel_values"] for row in rows]))
        return {
            "pixel_values": self._normalized(stacked),
            "labels": torch.tensor([row["labels"] for row in rows]),
        }


def varied(picture: Pixels, draw: np.random.Generator, mirrored: bool) -> Pixels:
    """The picture moved by some pixels, its edges drawn out to where it was; perhaps mirrored left to right."""
    side = len(picture)
    most = side // _SHIFT
    rows, columns = (np.clip(np.arange(side) + step, 0, side - 1) for step in draw.integers(-most, most + 1, 2))
    if mirrored and draw.random() < 0.5:
        columns = columns[::-1]
    moved: Pixels = picture[rows[:, np.newaxis], columns]
    return moved
