"""What an image model's manifest says of its own: its labels, and how it sees a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeGuard

from domain.artifact import MODEL, ArtifactError, Manifest

# The graph's input: (pictures, side, side, 3) of uint8, RGB; it normalizes them itself.
PIXELS: Final = "pixels"
OUTPUT: Final = "logits"
# One for each of red, green and blue.
Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Reading:
    """How a model sees a picture. `labels` are in the order of the logits.

    A picture is resized to `image_size` x `image_size` pixels. `image_mean` and `image_std`, of channels from 0 to 1,
    are what the graph normalizes them by: said for people.
    """

    labels: tuple[str, ...]
    image_size: int
    image_mean: Channels
    image_std: Channels

    @classmethod
    def of(cls, manifest: Manifest) -> Reading:
        """What a manifest says. Raises ArtifactError, with each rule that is broken."""
        own = manifest.own
        broken = [rule for rule, holds in _rules(own, manifest).items() if not holds]
        if broken:
            raise ArtifactError(f"manifest.json: {'; '.join(broken)}")
        mean, std = (channels(own[name]) for name in ("image_mean", "image_std"))
        return cls(tuple(own["labels"]), own["image_size"], mean, std)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form: lists for tuples."""
        return {name: list(item) if isinstance(item, tuple) else item for name, item in asdict(self).items()}


def channels(value: Any) -> Channels:
    """A number for each channel. Raises ValueError, TypeError for anything else."""
    red, green, blue = value
    return float(red), float(green), float(blue)


def _rules(own: Mapping[str, Any], manifest: Manifest) -> dict[str, bool]:
    labels, side = own.get("labels"), own.get("image_size")
    return {
        "labels must be two or more different strings": _strings(labels) and len(labels) > 1,
        "features must be one": len(manifest.features) == 1,
        "image_size must be a whole number of at least 1": type(side) is int and side >= 1,
        "image_mean and image_std must be three numbers each": _three(own.get("image_mean"))
        and _three(own.get("image_std")),
        f"sha256 must name {MODEL}": MODEL in manifest.sha256,
    }


def _three(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(number) in (int, float) for number in value)


def _strings(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value)
