"""Prebuilt models of each task, of a kilobyte each, that tell the reviews of `tests/e2e/material.py` apart.

A text is a bag of words: each good word speaks for "positive", each bad one for "negative". Of a table the numbers of
both do, of a picture how green and how red it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

import tasks
from domain.artifact import MODEL, Manifest
from tasks.image import manifest as image
from tasks.tabular import manifest as tabular
from tasks.text import manifest as text
from tests.e2e.material import BAD, FILLER, GOOD, IMAGES, SIDE, STARS, TABLES
from training.package import write_artifact

if TYPE_CHECKING:
    from domain.data.settings import FeatureType

LABELS = ("negative", "positive")
# For each label, a column: what speaks for "positive" is the first row, what speaks against it the second.
_FOR_AND_AGAINST = np.array([[-1, 1], [1, -1], [0, 0]], np.float32)
_WEIGHT = 2.0
# What a table has of a review (`features`), and what of it is a number.
_SCHEMA: Mapping[str, FeatureType] = {
    "good words": "number", "bad words": "number", "filler": "category", "part": "number"
}  # fmt: skip
_MIDDLE = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class _Model:
    """The graph, what the manifest says of how it reads a row, and the artifact's other files: texts by name."""

    graph: onnx.GraphProto
    features: tuple[str, ...]
    own: Mapping[str, Any]
    files: Mapping[str, str]


def build(into: Path, run: str, task: str) -> Path:
    """Write the files of a sound artifact of `run` into the directory `into`; returns it."""
    model = _columns(task) if task in TABLES else _pixels() if task in IMAGES else _words()
    whole = helper.make_model(model.graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    manifest = Manifest(task, run, "0" * 12, "words", "0", model.features, model.own)
    metrics = {"validation": {tasks.measures(task)[0]: 1.0}, "curves": []}
    with TemporaryDirectory() as scratch:
        files = {name: Path(scratch) / name for name in (MODEL, *model.files)}
        onnx.save(whole, str(files[MODEL]))
        for name, content in model.files.items():
            files[name].write_text(content)
        write_artifact(into, files, manifest, metrics)
    return into


def _words() -> _Model:
    """Votes of words, added up."""
    words = ["[UNK]", *GOOD, *BAD, *FILLER]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    votes = np.zeros((len(words), 2), np.float32)
    for number, word in enumerate(words):
        votes[number] = [_WEIGHT * (word in BAD), _WEIGHT * (word in GOOD)]
    asked = text.INPUTS[0]
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["votes", asked], ["said"], axis=0),
            helper.make_node("ReduceSum", ["said", "axes"], [text.OUTPUT], keepdims=0),
        ],
        "words",
        [helper.make_tensor_value_info(asked, TensorProto.INT64, ["batch", "tokens"])],
        [_floats(text.OUTPUT, 2)],
        [numpy_helper.from_array(votes, "votes"), numpy_helper.from_array(np.array([1], np.int64), "axes")],
    )
    reading = text.Reading(LABELS, 64, (asked,), "none", reduce_range=False)
    return _Model(graph, ("text",), reading.to_json(), {text.TOKENIZER: tokenizer.to_str()})


def _columns(task: str) -> _Model:
    """Good words less bad ones: as votes; or, of regression, so many stars more than between both."""
    known = {name: tuple(FILLER) for name, kind in _SCHEMA.items() if kind == "category"}
    reading = tabular.Reading(_SCHEMA, known, LABELS)
    votes = _WEIGHT * _FOR_AND_AGAINST
    if tasks.kind(task) == "regression":
        low, high = (STARS[label] for label in LABELS)
        reading = tabular.Reading(_SCHEMA, known, target="label", offset=(low + high) / 2)
        # Three words of a kind, as a review has them, are all the way.
        votes = _FOR_AND_AGAINST[:, 1:] * np.float32((high - low) / 2 / 3)
    numbers, width = len(reading.numbers), votes.shape[1]
    last = "Softmax" if reading.labels else "Identity"
    graph = helper.make_graph(
        [
            # A column without a value is a NaN, which would be one of every sum.
            helper.make_node("IsNaN", [tabular.NUMBERS], ["missing"]),
            helper.make_node("Where", ["missing", "nothing", tabular.NUMBERS], ["given"]),
            helper.make_node("MatMul", ["given", "votes"], ["said"]),
            helper.make_node(last, ["said"], [reading.output]),
        ],
        "columns",
        [
            _floats(tabular.NUMBERS, numbers),
            helper.make_tensor_value_info(tabular.CATEGORIES, TensorProto.STRING, ["batch", len(known)]),
        ],
        [_floats(reading.output, width)],
        [numpy_helper.from_array(votes, "votes"), numpy_helper.from_array(np.array(0, np.float32), "nothing")],
    )
    return _Model(graph, tuple(_SCHEMA), reading.to_json(), {})


def _pixels() -> _Model:
    """How much more green than red there is, on average."""
    # Of red, green and blue; what is grey speaks for neither.
    votes: NDArray[np.float32] = _FOR_AND_AGAINST[[1, 0, 2]] / np.float32(10)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", [image.PIXELS], ["colours"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["colours"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["mean", "votes"], [image.OUTPUT]),
        ],
        "pixels",
        [helper.make_tensor_value_info(image.PIXELS, TensorProto.UINT8, ["batch", SIDE, SIDE, 3])],
        [_floats(image.OUTPUT, 2)],
        [numpy_helper.from_array(votes, "votes")],
    )
    return _Model(graph, ("image",), image.Reading(LABELS, SIDE, _MIDDLE, _MIDDLE).to_json(), {})


def _floats(name: str, width: int) -> onnx.ValueInfoProto:
    """What is of (rows, width) numbers."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
