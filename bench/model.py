"""The model that every server of the bench answers with: DistilBERT's size, a real tokenizer, random weights.

How long an answer takes does not depend on what the weights are, and no hub is needed this way. Export and packing are
the training's own, so the artifact is of the kind that is served.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

from bench.environments import CACHE, anew
from domain.artifact import Manifest
from ops import minilm
from ops.bootstrap import ROOT
from serving.loading import load
from tasks.text.manifest import INPUTS, Reading
from tasks.text.predict import Predictor
from tasks.text.train import packaged
from tasks.text.training.export import export
from training.package import write_artifact

LABELS: Final = ("negative", "positive")
MAX_LENGTH: Final = 512


@dataclass(frozen=True)
class Model:
    """The same model twice: a transformers checkpoint in fp32, and the artifact's unpacked files."""

    checkpoint: Path
    artifact: Path


def distilbert() -> Model:
    """The bench's model below .cache/bench/model, made when first asked for and when its export has changed.

    Raises NotFound without MiniLM's files.
    """
    folder, stamp = CACHE / "model", CACHE / "model.stamp"
    model = Model(folder / "checkpoint", folder / "artifact")
    wanted = hashlib.sha256(
        b"".join(Path(path).read_bytes() for path in (__file__, ROOT / "tasks" / "text" / "training" / "export.py"))
    )
    if stamp.is_file() and stamp.read_text() == wanted.hexdigest():
        return model
    anew(folder.name)
    tokenizer = minilm_tokenizer()
    # The configuration's defaults are distilbert-base-uncased: 6 layers of 768, 66 million parameters.
    config = DistilBertConfig(id2label=dict(enumerate(LABELS)), label2id={name: i for i, name in enumerate(LABELS)})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        DistilBertForSequenceClassification(config).save_pretrained(model.checkpoint)
    tokenizer.save_pretrained(model.checkpoint)
    _, int8 = export(model.checkpoint, INPUTS[:2], folder)
    manifest = Manifest(
        task="text",
        run="bench",
        dataset="bench",
        base_model="distilbert",
        base_revision="random",
        features=("text",),
        own=Reading(LABELS, MAX_LENGTH, INPUTS[:2]).to_json(),
    )
    write_artifact(model.artifact, packaged(int8, tokenizer.backend_tokenizer, folder), manifest, {})
    stamp.write_text(wanted.hexdigest())
    return model


def minilm_tokenizer() -> PreTrainedTokenizerFast:
    """MiniLM's tokenizer: BERT's uncased one, with DistilBERT's vocabulary, reading up to MAX_LENGTH tokens."""
    tokenizer = Tokenizer.from_file(str(minilm.folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_LENGTH,
        model_input_names=list(INPUTS[:2]),
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def text_model(artifact: Path, threads: int) -> Predictor:
    """The predictor of an unpacked text artifact, loaded as the server does. Raises TypeError for another task's."""
    found = load(artifact, threads)
    if not isinstance(found, Predictor):
        raise TypeError(f"{artifact} holds no text model")
    return found
