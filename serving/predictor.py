"""From texts to labels with ONNX Runtime and tokenizers alone: torch and transformers stay in training.

Texts are run one at a time. Dynamic quantization scales a whole input tensor by its largest value, so in a batch the
answer for a text would depend on its neighbours, and what Evaluate judged would not be what the endpoint says.
`docs/decisions/16-one-text-at-a-time.md` has what that costs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from domain.artifact import MODEL, OUTPUT, TOKENIZER, Manifest
from serving.manifest import ArtifactError, read_manifest, verify

# Read when ONNX Runtime is imported, and 1 is the only value that counts: it would write below HOME at once, and report
# to Microsoft some ten seconds later.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

# ONNX Runtime's exceptions share no base class of their own.
_FAULTS: Final = tuple(
    kind for kind in vars(runtime).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
# A token is seldom more than a word, and a WordPiece word of over 100 characters is one unknown token: characters
# beyond this many per token can hardly count, and tokenizing megabytes of them would cost memory.
_CHARS_PER_TOKEN: Final = 100
# Texts tokenized ahead of the model: enough for the threads, little for the memory.
_CHUNK: Final = 32


class Prediction(NamedTuple):
    """One label with its probability."""

    label: str
    score: float


class Answer(NamedTuple):
    """What the model says of some texts, in their order; `truncated` tells which it did not read to the end."""

    predictions: list[list[Prediction]]
    truncated: list[bool]


class PredictionError(Exception):
    """The model failed on valid input: our fault, never the client's."""


class _Encoded(NamedTuple):
    inputs: dict[str, NDArray[np.int64]]
    truncated: bool


class Predictor:
    """A loaded model. Safe to share between threads."""

    def __init__(self, session: Any, tokenizer: Tokenizer, manifest: Manifest, threads: int) -> None:
        self.manifest = manifest
        self.labels = list(manifest.labels)
        self._session = session
        self._tokenizer = tokenizer
        self._max_chars = manifest.max_length * _CHARS_PER_TOKEN
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    @classmethod
    def load(cls, model_dir: Path, threads: int = 1) -> Predictor:
        """Load an unpacked artifact to predict `threads` texts at once.

        Raises ArtifactError, or OSError for a file that is there but cannot be read.
        """
        manifest = read_manifest(model_dir)
        with ThreadPoolExecutor(2) as aside:
            # None of the three holds the interpreter's lock for long.
            loading = aside.submit(_session, model_dir / MODEL, manifest)
            reading = aside.submit(_tokenizer, model_dir / TOKENIZER)
            # First to be heard: a file that is not the manifest's own explains best why it does not load.
            verify(model_dir, manifest)
        session, tokenizer = loading.result(), reading.result()
        inputs = [tensor.name for tensor in session.get_inputs()]
        if sorted(inputs) != sorted(manifest.inputs):
            raise ArtifactError(f"{MODEL} takes {inputs}, the manifest says {list(manifest.inputs)}")
        tokenizer.no_padding()
        tokenizer.enable_truncation(manifest.max_length)
        return cls(session, tokenizer, manifest, threads)

    def answer(self, texts: Sequence[str], top_k: int | None = 1) -> Answer:
        """The `top_k` likeliest labels of each text, best first (None: all of them). Raises PredictionError."""
        scores, truncated = self._run(texts)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        predictions = [
            [Prediction(self.labels[label], float(row[label])) for label in order]
            for row, order in zip(scores, best, strict=True)
        ]
        return Answer(predictions, truncated)

    def predict(self, texts: Sequence[str], top_k: int | None = 1) -> list[list[Prediction]]:
        """The predictions of `answer` alone. Raises PredictionError."""
        return self.answer(texts, top_k).predictions

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities, one row per text in the order given, one column per label. Raises PredictionError."""
        return self._run(texts)[0]

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Which texts are longer than the model reads."""
        return [encoded.truncated for encoded in self._encode(texts)]

    def _run(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
        rows: list[NDArray[np.float32]] = []
        truncated: list[bool] = []
        stream = self._encode(texts)
        while chunk := list(islice(stream, _CHUNK)):
            truncated += [encoded.truncated for encoded in chunk]
            rows += (self._pool.map if self._pool else map)(self._logits, chunk)
        logits = np.concatenate(rows) if rows else np.empty((0, len(self.labels)), np.float32)
        if not np.isfinite(logits).all():
            raise PredictionError("the model's output is not finite")
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True), truncated

    def _encode(self, texts: Sequence[str]) -> Iterator[_Encoded]:
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            encodings = self._tokenizer.encode_batch_fast([text[: self._max_chars] for text in chunk])
            for text, encoding in zip(chunk, encodings, strict=True):
                yield _Encoded(self._inputs(encoding), bool(encoding.overflowing) or len(text) > self._max_chars)

    def _inputs(self, encoding: Encoding) -> dict[str, NDArray[np.int64]]:
        columns = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        # A tokenizer without special tokens makes nothing of an empty text, but the model needs one position.
        return {name: np.array([columns[name] or [0]], np.int64) for name in self.manifest.inputs}

    def _logits(self, encoded: _Encoded) -> NDArray[np.float32]:
        try:
            (logits,) = self._session.run([OUTPUT], encoded.inputs)
        except _FAULTS as error:
            raise PredictionError(f"the model failed: {error}") from error
        if logits.shape != (1, len(self.labels)):
            raise PredictionError(f"the model's output has the shape {logits.shape}, not (1, {len(self.labels)})")
        return np.asarray(logits, np.float32)


def _tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in the file `path`. Raises ArtifactError."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # The library raises nothing narrower.
        raise ArtifactError(f"{path.name} cannot be loaded: {error}") from error


def _session(path: Path, manifest: Manifest) -> Any:
    """The graph at `path`, ready to run. Raises ArtifactError."""
    try:
        return ort.InferenceSession(str(path), _options(manifest), providers=["CPUExecutionProvider"])
    except _FAULTS as error:
        raise ArtifactError(f"{path.name} cannot be loaded: {error}") from error


def _options(manifest: Manifest) -> Any:
    """Options under which every x86 CPU computes the same int8 products.

    Without VNNI, ONNX Runtime's kernel adds pairs of u8*s8 products in 16 bits, which saturate unless the weights keep
    to 7 bits (`reduce_range` when quantizing) or are turned unsigned at load (onnxruntime issue 12088). The latter is
    one of the EXTENDED optimizations; on such a CPU it made a DistilBERT load 0.2 s later and take 40 MB more, so it
    is done only if the manifest does not promise the former. Otherwise nothing is left to optimize: the graph was
    saved so.
    """
    options = ort.SessionOptions()
    # One text per thread: our threads, not the runtime's, which would spin while they wait.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    if not manifest.reduce_range:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options
