"""From texts to labels with ONNX Runtime and tokenizers alone: torch and transformers stay in training.

Texts are run one at a time. Dynamic quantization scales a whole input tensor by its largest value, so in a batch the
answer for a text would depend on its neighbours, and what Evaluate judged would not be what the endpoint says.
`docs/decisions/16-one-text-at-a-time.md` has what that costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self, get_args

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from domain.artifact import MODEL, ArtifactError, Manifest
from tasks.contract import Prediction, PredictionError
from tasks.runtime import FAULTS, options, session
from tasks.text.manifest import INPUTS, OUTPUT, TOKENIZER, Reading

Function = Literal["softmax", "sigmoid", "none"]
FUNCTIONS: Final[tuple[Function, ...]] = get_args(Function)
# A token is seldom more than a word, and a WordPiece word of over 100 characters is one unknown token: characters
# beyond this many per token can hardly count, and tokenizing megabytes of them would cost memory.
_CHARS_PER_TOKEN: Final = 100
# Words of no vocabulary: a script that nobody writes, a private character, and letters in no order.
_UNKNOWN: Final = "\U00012000 \ue000 zqxjkvwq"
# Texts tokenized ahead of the model: enough for the threads, little for the memory.
_CHUNK: Final = 32


class TokenizerUnusable(ArtifactError):
    """tokenizer.json cannot be loaded, or tokenizes nothing."""


class Answer(NamedTuple):
    """What the model says of some texts, in their order; `truncated` tells which it did not read to the end."""

    predictions: list[list[Prediction]]
    truncated: list[bool]


class Encoded(NamedTuple):
    """A text as the model reads it: its inputs by name, each (1, tokens), and whether it was cut."""

    inputs: dict[str, NDArray[np.int64]]
    truncated: bool

    @property
    def tokens(self) -> int:
        """How many tokens the model reads."""
        return int(self.inputs[INPUTS[0]].shape[1])


class TextModel:
    """A loaded model. Safe to share between threads."""

    def __init__(self, session: Any, tokenizer: Tokenizer, manifest: Manifest, threads: int) -> None:
        self.manifest = manifest
        self.reading = Reading.of(manifest)
        self.labels = list(self.reading.labels)
        self._session = session
        self._tokenizer = tokenizer
        self._max_chars = self.reading.max_length * _CHARS_PER_TOKEN
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    @classmethod
    def load(cls, folder: Path, manifest: Manifest, verify: Callable[[], None], threads: int) -> Self:
        """The model of an unpacked artifact (`Predict.load` of `tasks/contract.py`)."""
        reading = Reading.of(manifest)
        with ThreadPoolExecutor(2) as aside:
            # None of the three holds the interpreter's lock for long.
            loading = aside.submit(session, folder / MODEL, _options(reading))
            tokenizing = aside.submit(_tokenizer, folder / TOKENIZER)
            # First to be heard: a file that is not the manifest's own explains best why it does not load.
            verify()
        graph, tokenizer = loading.result(), tokenizing.result()
        inputs = [tensor.name for tensor in graph.get_inputs()]
        if sorted(inputs) != sorted(reading.inputs):
            raise ArtifactError(f"{MODEL} takes {inputs}, the manifest says {list(reading.inputs)}")
        _prepare(tokenizer, reading)
        return cls(graph, tokenizer, manifest, threads)

    def encode(self, texts: Sequence[str], max_length: int | None = None) -> Iterator[Encoded]:
        """Each text as the model reads it, cut after `max_length` tokens, or after as many as the model reads."""
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            cut = [text[: self._max_chars] for text in chunk]
            for text, encoding in zip(chunk, self._encodings(cut, max_length), strict=True):
                yield Encoded(self._inputs(encoding), bool(encoding.overflowing) or len(text) > self._max_chars)

    def read(self, encoded: Iterable[Encoded], top_k: int | None = 1, function: Function = "softmax") -> Answer:
        """The `top_k` likeliest labels of each text, best first (None: all of them). Raises PredictionError.

        `function` makes a score of a logit: a probability by softmax, one for each label alone by sigmoid, or none.
        """
        logits, truncated = self._run(encoded)
        probabilities = _softmax(logits)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k]
        # By tanh, which cannot overflow.
        scores = probabilities
        if function != "softmax":
            scores = logits if function == "none" else np.asarray(0.5 + 0.5 * np.tanh(logits / 2), np.float32)
        predictions = [
            [Prediction(self.labels[label], float(row[label])) for label in order]
            for row, order in zip(scores, best, strict=True)
        ]
        return Answer(predictions, truncated)

    def answer(self, texts: Sequence[str], top_k: int | None = 1) -> Answer:
        """What `read` says of these texts. Raises PredictionError."""
        return self.read(self.encode(texts), top_k)

    def predict(self, texts: Sequence[str], top_k: int | None = 1) -> list[list[Prediction]]:
        """The predictions of `answer` alone. Raises PredictionError."""
        return self.answer(texts, top_k).predictions

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities, one row per text in the order given, one column per label. Raises PredictionError."""
        return _softmax(self._run(self.encode(texts))[0])

    def truncated(self, texts: Sequence[str]) -> list[bool]:
        """Which texts are longer than the model reads."""
        return [encoded.truncated for encoded in self.encode(texts)]

    def _run(self, encoded: Iterable[Encoded]) -> tuple[NDArray[np.float32], list[bool]]:
        """(Logits, one row per text and one column per label; which texts were cut)."""
        rows: list[NDArray[np.float32]] = []
        truncated: list[bool] = []
        stream = iter(encoded)
        while chunk := list(islice(stream, _CHUNK)):
            truncated += [item.truncated for item in chunk]
            rows += (self._pool.map if self._pool else map)(self._logits, chunk)
        logits = np.concatenate(rows) if rows else np.empty((0, len(self.labels)), np.float32)
        if not np.isfinite(logits).all():
            raise PredictionError("the model's output is not finite")
        return logits, truncated

    def _encodings(self, texts: list[str], max_length: int | None) -> list[Encoding]:
        if max_length is None or max_length >= self.reading.max_length:
            encodings: list[Encoding] = self._tokenizer.encode_batch_fast(texts)
            return encodings
        # The tokenizer's own limit is shared by all threads: so tokens are cut here, and the marks added then.
        kept = max(0, max_length - self._tokenizer.num_special_tokens_to_add(is_pair=False))
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        for encoding in encodings:
            encoding.truncate(kept)
        return [self._tokenizer.post_process(encoding) for encoding in encodings]

    def _inputs(self, encoding: Encoding) -> dict[str, NDArray[np.int64]]:
        columns = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        # A tokenizer without special tokens makes nothing of an empty text, but the model needs one position.
        return {name: np.array([columns[name] or [0]], np.int64) for name in self.reading.inputs}

    def _logits(self, encoded: Encoded) -> NDArray[np.float32]:
        try:
            (logits,) = self._session.run([OUTPUT], encoded.inputs)
        except FAULTS as error:
            raise PredictionError(f"the model failed: {error}") from error
        if logits.shape != (1, len(self.labels)):
            raise PredictionError(f"the model's output has the shape {logits.shape}, not (1, {len(self.labels)})")
        return np.asarray(logits, np.float32)


def _tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in the file `path`. Raises TokenizerUnusable."""
    try:
        return Tokenizer.from_file(str(path))
    except BaseException as error:  # See _unusable.
        raise _unusable("loaded", error) from error


def _prepare(tokenizer: Tokenizer, reading: Reading) -> None:
    """Have the tokenizer cut and not pad, and see that it can tokenize anything. Raises TokenizerUnusable.

    One may load and then fail on each word that it does not know, for want of a token that stands for those.
    """
    try:
        tokenizer.no_padding()
        tokenizer.enable_truncation(reading.max_length)
        tokenizer.encode_batch_fast([_UNKNOWN, ""])
    except BaseException as error:  # See _unusable.
        raise _unusable("used", error) from error


def _unusable(what: str, error: BaseException) -> Exception:
    """What a fault of the tokenizers' library is called; whatever is none is raised as it is.

    The library raises bare Exceptions, and where its Rust panics (as for a broken character map) a class of no module
    that one could import, which is derived from BaseException.
    """
    if type(error) is Exception or type(error).__name__ == "PanicException":
        return TokenizerUnusable(f"{TOKENIZER} cannot be {what}: {error}")
    raise error


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _options(reading: Reading) -> Any:
    """Options under which every x86 CPU computes the same int8 products.

    Without VNNI, ONNX Runtime's kernel adds pairs of u8*s8 products in 16 bits, which saturate unless the weights keep
    to 7 bits (`reduce_range` when quantizing) or are turned unsigned at load (onnxruntime issue 12088). The latter is
    one of the EXTENDED optimizations; on such a CPU it made a DistilBERT load 0.2 s later and take 40 MB more, so it
    is done only if the manifest does not promise the former. Otherwise nothing is left to optimize: the graph was
    saved so.
    """
    made = options(extended=not reading.reduce_range)
    if not reading.reduce_range:
        made.add_session_config_entry("session.x64quantprecision", "1")
    return made
