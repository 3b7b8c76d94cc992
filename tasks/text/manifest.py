"""What a text model's manifest says of its own: its labels, its graph's inputs, and how much of a text it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeGuard

from domain.artifact import MODEL, ArtifactError, Manifest

TOKENIZER: Final = "tokenizer.json"
# In the order in which the graph takes them; a model may lack the later ones.
INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT: Final = "logits"
QUANTIZATION: Final = "int8-dynamic-per-channel"


@dataclass(frozen=True)
class Reading:
    """How a model reads a text. `labels` are in the order of the logits, `max_length` is in tokens.

    `reduce_range` promises that weights keep to 7 bits, so that int8 products cannot saturate on CPUs without VNNI
    (onnxruntime's documentation on quantization, "When to use reduce-range").
    """

    labels: tuple[str, ...]
    max_length: int
    inputs: tuple[str, ...]
    quantization: str = QUANTIZATION
    reduce_range: bool = True

    @classmethod
    def of(cls, manifest: Manifest) -> Reading:
        """What a manifest says. Raises ArtifactError, with each rule that is broken."""
        own = manifest.own
        broken = [rule for rule, holds in _rules(own, manifest.sha256).items() if not holds]
        if broken:
            raise ArtifactError(f"manifest.json: {'; '.join(broken)}")
        return cls(
            labels=tuple(own["labels"]),
            max_length=own["max_length"],
            inputs=tuple(own["inputs"]),
            quantization=str(own.get("quantization", "")),
            # A promise that is not made does not hold.
            reduce_range=own.get("reduce_range") is True,
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form: lists for tuples."""
        return {name: list(item) if isinstance(item, tuple) else item for name, item in asdict(self).items()}


def _rules(own: Mapping[str, Any], sums: Mapping[str, str]) -> dict[str, bool]:
    labels, inputs, length = own.get("labels"), own.get("inputs"), own.get("max_length")
    return {
        "labels must be two or more different strings": _strings(labels) and len(labels) > 1,
        f"inputs must start with {INPUTS[0]} and be of {INPUTS}": _strings(inputs)
        and inputs[:1] == [INPUTS[0]]
        and set(inputs) <= set(INPUTS),
        "max_length must be a whole number of at least 2": type(length) is int and length >= 2,
        f"sha256 must name {MODEL} and {TOKENIZER}": {MODEL, TOKENIZER} <= set(sums),
    }


def _strings(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value)
