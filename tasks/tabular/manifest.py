"""What a table model's manifest says of its own: its columns, the categories it knows, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from domain.artifact import MODEL, ArtifactError, Manifest

if TYPE_CHECKING:
    from domain.data.settings import FeatureType

_TYPES: Final = ("number", "category")
# The graph's inputs: (rows, columns) of float32, and of texts, each in the order of `schema`. One without columns
# is none of the graph's.
NUMBERS: Final = "numbers"
CATEGORIES: Final = "categories"


@dataclass(frozen=True)
class Reading:
    """How a model reads a row and answers it.

    `schema` has each column's type, in order; `categories` has of each column of categories those that the model
    knows: all others are one to it. `labels` are in the order of the graph's probabilities; of regression there are
    none, and the answer is `offset` and what the graph says, both in the unit of `target`, which is what is predicted.
    """

    schema: Mapping[str, FeatureType]
    categories: Mapping[str, tuple[str, ...]]
    labels: tuple[str, ...] = ()
    target: str | None = None
    offset: float = 0.0

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers, in order."""
        return tuple(name for name, kind in self.schema.items() if kind == "number")

    @property
    def output(self) -> str:
        """The graph's output: one column for each label, or one."""
        return "probabilities" if self.labels else "variable"

    @classmethod
    def of(cls, manifest: Manifest) -> Reading:
        """What a manifest says. Raises ArtifactError, with each rule that is broken."""
        own = manifest.own
        broken = [rule for rule, holds in _rules(own, manifest).items() if not holds]
        if broken:
            raise ArtifactError(f"manifest.json: {'; '.join(broken)}")
        return cls(
            schema=own["schema"],
            categories={name: tuple(known) for name, known in own["categories"].items()},
            labels=tuple(own["labels"]),
            target=own["target"],
            offset=float(own["offset"]),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form: lists for tuples."""
        return {
            **asdict(self),
            "schema": dict(self.schema),
            "categories": {name: list(known) for name, known in self.categories.items()},
            "labels": list(self.labels),
        }


def _rules(own: Mapping[str, Any], manifest: Manifest) -> dict[str, bool]:
    schema, categories, labels, target = (own.get(name) for name in ("schema", "categories", "labels", "target"))
    known = schema if isinstance(schema, dict) else {}
    return {
        f"schema must give each feature one of the types {', '.join(_TYPES)}": list(known) == list(manifest.features)
        and set(known.values()) <= set(_TYPES),
        "categories must have a list of different texts for each column of that type": isinstance(categories, dict)
        and list(categories) == [name for name, kind in known.items() if kind == "category"]
        and all(_strings(texts) for texts in categories.values()),
        "labels must be two or more different strings, or none, with a target": _strings(labels)
        and (len(labels) > 1 if target is None else isinstance(target, str) and not labels),
        "offset must be a number": type(own.get("offset")) in (int, float),
        f"sha256 must name {MODEL}": MODEL in manifest.sha256,
    }


def _strings(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value)
