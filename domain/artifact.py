"""The model artifact's contract: what training writes into `model.tar.gz` and serving accepts.

Standard library only, so that both containers and every Lambda can share it.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
TASK: Final = "text-classification"

MANIFEST: Final = "manifest.json"
MODEL: Final = "model.onnx"
# The graph's large tensors, which ONNX Runtime maps into memory instead of copying them; a small model has none.
WEIGHTS: Final = "model.onnx.data"
TOKENIZER: Final = "tokenizer.json"
METRICS: Final = "metrics.json"

# In the order in which the graph takes them; a model may lack the later ones.
INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT: Final = "logits"
QUANTIZATION: Final = "int8-dynamic-per-channel"

# The variable by which a server is told the SHA-256 of the manifest that its model must have.
MANIFEST_SHA256: Final = "MANIFEST_SHA256"


@dataclass(frozen=True)
class Manifest:
    """`manifest.json`. `labels` are in the order of the logits; `sha256` maps file names to hex digests.

    `reduce_range` promises that weights keep to 7 bits, so that int8 products cannot saturate on CPUs without VNNI
    (onnxruntime's documentation on quantization, "When to use reduce-range"). `max_length` is in tokens.
    """

    labels: tuple[str, ...]
    run: str
    dataset: str
    base_model: str
    base_revision: str
    max_length: int
    features: tuple[str, ...]
    inputs: tuple[str, ...]
    sha256: dict[str, str] = field(default_factory=dict)
    quantization: str = QUANTIZATION
    reduce_range: bool = True
    format: int = FORMAT
    task: str = TASK

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form: lists for tuples."""
        value = asdict(self)
        return {name: list(item) if isinstance(item, tuple) else item for name, item in value.items()}


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, 64 hex digits, in constant memory. Raises OSError if it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
