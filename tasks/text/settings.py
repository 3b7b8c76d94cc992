"""What training a text classifier takes, and what is wrong with that as far as this machine can see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from domain.section import Fraction
from tasks.fine_tuning import FineTuned, FineTuning
from tasks.text.base_model import too_short


class Hyperparameters(FineTuning):
    """What `tasks/text/train.py` takes."""

    int8_min_agreement: Fraction = Field(
        0.97,
        description="the share of validation rows on which the int8 model must give the trained model's label",
    )
    max_length: int = Field(128, ge=8, le=512, description="tokens of a text; what is beyond is cut")


class Training(FineTuned):
    """Fine-tuning of a language model. The default is DistilBERT."""

    base_model: str = Field(
        "distilbert/distilbert-base-uncased",
        min_length=1,
        description="the pretrained model: a hub id, or an `s3://bucket/prefix/` with its files",
    )
    base_revision: str = Field(
        "12040accade4e8a0f71eabdb258fecc2e7e948be", min_length=1, description="the hub's revision of it, pinned"
    )
    hyperparameters: Hyperparameters = Hyperparameters()

    def problems(self) -> list[str]:
        """What a base model in a directory of this machine says of itself; others are looked at when the job loads."""
        folder = Path(self.base_model)
        found: list[dict[str, Any]] = []
        if not (folder / "config.json").is_file():
            return []
        for path in (folder / "config.json", folder / "tokenizer_config.json"):
            try:
                found.append(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})
            except ValueError as error:
                return [f"training.base_model: {path} cannot be read as JSON: {error}"]
        config, tokenizer = found
        # The tokenizer may cut a text before the model does (`tasks/text/train.py`).
        max_length = self.hyperparameters.max_length
        short = too_short(config, min(max_length, int(tokenizer.get("model_max_length", max_length))))
        named = json.dumps(self.base_model, ensure_ascii=False)
        return [f"training.base_model is {named}, but {short}"] if short else []
