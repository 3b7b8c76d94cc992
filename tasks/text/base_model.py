"""What a base model's own configuration says about whether it can be trained as the settings want it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# What the families of transformers call the number of positions that they have embeddings for. A model with none of
# these, such as one with relative positions, reads texts of any length.
_POSITIONS: Final = ("max_position_embeddings", "n_positions")
# RoBERTa and its kin begin to count positions after the padding token's id.
_COUNT_AFTER_PADDING: Final = (
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "luke",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)


def positions(config: Mapping[str, Any]) -> int | None:
    """How many tokens of a text the model of this config.json has positions for; None: as many as there are."""
    for name in _POSITIONS:
        found = config.get(name)
        # A negative number stands for none in some configurations.
        if isinstance(found, int) and found > 0:
            padding = config.get("pad_token_id")
            taken = (padding if isinstance(padding, int) else 1) + 1
            return found - taken if config.get("model_type") in _COUNT_AFTER_PADDING else found
    return None


def too_short(config: Mapping[str, Any], max_length: int) -> str | None:
    """What to change if the model of this config.json reads fewer than `max_length` tokens, or None."""
    most = positions(config)
    if most is None or most >= max_length:
        return None
    return (
        f"it has positions for {most} tokens and training.hyperparameters.max_length is {max_length}: "
        f"set that to {most} or less, or choose another base_model"
    )
