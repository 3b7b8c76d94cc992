"""A base model small enough to build in a test: what `base_model` names, as a directory of a hub repository's files."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from tests.tiny_model import MAX_LENGTH, tiny_tokenizer


def tiny_base(into: Path, seed: int = 0, hidden: int = 32) -> Path:
    """Write an untrained two-layer BERT (config, tokenizer, safetensors) into `into`; returns `into`."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer(),
        model_max_length=MAX_LENGTH,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=MAX_LENGTH,
        # Wider than BERT's 0.02: so small a model learns within a few dozen steps only from such a start.
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertModel(config)
    model.save_pretrained(into)
    tokenizer.save_pretrained(into)
    return into
