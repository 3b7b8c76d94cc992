"""A real BERT classifier small enough to build in a test: untrained, but exported and packed by the training's code.

Everything that reads a model artifact (serving, Evaluate, Verify, the local cloud) can be tested on its output.
"""

from __future__ import annotations

import gzip
import io
import json
import string
import tarfile
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification

from domain.artifact import MANIFEST, Manifest
from tasks.text.manifest import INPUTS, Reading
from tasks.text.train import packaged
from tasks.text.training.export import export
from training.package import write_artifact

WORDS = ("the", "a", "is", "was", "this", "film", "good", "great", "bad", "awful", "dull", "and", "not", "very")
MAX_LENGTH = 64
METRICS = {
    "validation": {"accuracy": 0.5},
    "curves": [{"step": 1, "loss": 0.7}, {"step": 2, "loss": 0.6}],
    "importances": [{"column": "text", "measure": "accuracy", "loss": 0.3}],
}


def tiny_tokenizer() -> Tokenizer:
    """A lower-casing WordPiece tokenizer that can spell any ASCII word."""
    letters = string.ascii_lowercase + string.digits
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *(f"##{c}" for c in letters), *".,!?'-"]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return tokenizer


def tiny_classifier(
    labels: int, seed: int = 0, bias: Sequence[float] | None = None, max_length: int = MAX_LENGTH
) -> BertForSequenceClassification:
    """An untrained two-layer classifier, the same for the same seed. `bias`, one logit per label, decides its answers:
    a label that is 10 above the others wins whatever the text."""
    config = BertConfig(
        vocab_size=tiny_tokenizer().get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=max_length,
        num_labels=labels,
        # Wider than BERT's 0.02, so that different texts get visibly different scores.
        initializer_range=0.2,
        attn_implementation="eager",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForSequenceClassification(config).eval()
    if bias is not None:
        with torch.no_grad():
            model.classifier.bias.copy_(torch.tensor(list(bias)))
    return model


def pack(directory: Path, archive: Path) -> Path:
    """Pack the files of `directory` at the root of the tarball `archive`; the same files give the same bytes."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for path in sorted(directory.iterdir()):
            member, content = tarfile.TarInfo(path.name), path.read_bytes()
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def made_for(archive: Path, into: Path, run: str, dataset: str) -> Path:
    """The same model in a new archive `into/model.tar.gz`, whose manifest says that it is of `run` and `dataset`."""
    with tarfile.open(archive) as tar:
        tar.extractall(into / "model", filter="data")
    manifest = into / "model" / MANIFEST
    value = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**value, "run": run, "dataset": dataset}))
    return pack(into / "model", into / "model.tar.gz")


def tiny_artifact(
    into: Path,
    labels: Sequence[str],
    *,
    seed: int = 0,
    bias: Sequence[float] | None = None,
    run: str = "0123456789ab",
    inputs: Sequence[str] = INPUTS[:2],
    int8: bool = True,
    max_length: int = MAX_LENGTH,
) -> Path:
    """Build a complete model artifact below the new directory `into`; returns the path of its `model.tar.gz`.

    The unpacked files stay beside it in `into/model`, ready to be served as MODEL_DIR.
    """
    into.mkdir(parents=True)
    checkpoint, directory = into / "checkpoint", into / "model"
    tiny_classifier(len(labels), seed, bias, max_length).save_pretrained(checkpoint)
    exact, quantized = export(checkpoint, inputs, into)
    manifest = Manifest(
        task="text",
        run=run,
        dataset="0" * 12,
        base_model="tiny-bert",
        base_revision="0" * 40,
        features=("text",),
        own=Reading(tuple(labels), max_length, tuple(inputs), reduce_range=int8).to_json(),
    )
    write_artifact(directory, packaged(quantized if int8 else exact, tiny_tokenizer(), into), manifest, METRICS)
    return pack(directory, into / "model.tar.gz")
