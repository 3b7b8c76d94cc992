"""`mlops predict`: ask the live model."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from rich.console import Console

from domain.explain import first_of
from domain.measures import significant
from ops import receipts
from ops.console import styled
from ops.deployment import Deployment
from ops.errors import NotFound, OpsError, Unusable, in_plain_words

_JSON: Final = "application/json"
# What a file is sent as, by its name's ending. JSON is read here: a request is an object with `inputs`.
_AS_IT_IS: Final = {".csv": "text/csv", ".jsonl": "application/jsonlines"}
_PICTURES: Final = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
# What a model says of its inputs in the custom attributes, as a count, and what that means.
_SAID: Final[dict[str, Callable[[int], str]]] = {
    "truncated": lambda count: f"Cut, since the model reads no more of a text: {count} of the texts.",
    "unknown": lambda count: f"Read as unknown, since the model never saw such a category: {count} of the values.",
}


@dataclass(frozen=True)
class Answer:
    """What the live model says to one input: labels with their probabilities, the best first; or a name and a number.

    `asked` is the input as a person is shown it.
    """

    asked: str
    labels: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Answers:
    """The answers to one request, in its order, and what the model said of its inputs: counts, by name."""

    each: tuple[Answer, ...]
    said: Mapping[str, int]


@dataclass(frozen=True)
class Reading:
    """What the live model reads and answers: its columns, none if it reads texts or `pictures`; whether it answers
    `numbers`.
    """

    columns: tuple[str, ...] = ()
    numbers: bool = False
    pictures: bool = False

    @classmethod
    def of(cls, deployment: Deployment) -> Reading:
        """What the receipt of its run says; without a live model, or without its receipt, it reads texts."""
        with in_plain_words(deployment.project):
            champion = deployment.ledger.champion()
            run = deployment.ledger.run(champion.run) if champion else None
            receipt = receipts.read(deployment, run) if run else None
        if receipt is None:
            return cls()
        numbers = any(measure.unit == "target" for measure in receipts.measures(receipt))
        types = receipts.column_types(receipt)
        columns = tuple(name for name, kind in types.items() if kind in ("number", "category"))
        return cls(columns, numbers, pictures="image" in types.values())

    def shown(self, score: float) -> str:
        """A score for people: a probability, or a number in its own unit."""
        return significant(score, 6) if self.numbers else f"{score:.4f}"


def predict(deployment: Deployment, given: Sequence[str], file: Path | None, top_k: int, console: Console) -> None:
    """Ask for what was typed, or for the rows of a file, and print the answers. Raises Unusable, and as `ask` does."""
    if bool(given) == bool(file):
        raise Unusable(
            "give what is to be answered (a text, name=value for each column, or a picture), or a file with --file"
        )
    reading = Reading.of(deployment)
    show(_asked(deployment, reading, given, file, top_k), reading, console)


def _asked(deployment: Deployment, reading: Reading, given: Sequence[str], file: Path | None, top_k: int) -> Answers:
    if file:
        return ask_file(deployment, file, top_k)
    if reading.pictures:
        return ask_pictures(deployment, given, top_k)
    return ask(deployment, [row(given, reading.columns)] if reading.columns else given, top_k)


def row(given: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """A row of `name=value`; one without a value is missing. Raises Unusable for what is no value of a column."""
    known = first_of([f"{name}=…" for name in columns], " ")
    found: dict[str, str] = {}
    for text in given:
        # A column's name may have the sign in it.
        name = max((name for name in columns if text.startswith(f"{name}=")), key=len, default=None)
        if name is None:
            raise Unusable(f"{text!r} is no value of a column: the live model reads a row, {known}")
        if name in found:
            raise Unusable(f"{name} is given twice: for several rows use --file")
        found[name] = text.removeprefix(f"{name}=")
    return found


def ask(deployment: Deployment, inputs: Sequence[Any], top_k: int = 1, shown: Sequence[str] | None = None) -> Answers:
    """Answers in the inputs' order, each with its input as people are `shown` it, which it is itself if not given.

    Raises NotFound while no model is live, OpsError for what the model refuses.
    """
    body = json.dumps({"inputs": list(inputs), "parameters": {"top_k": top_k}}).encode()
    return _read(*_invoke(deployment, body, _JSON), shown or [_shown(item) for item in inputs])


def ask_pictures(deployment: Deployment, names: Sequence[str], top_k: int = 1, folder: Path = Path()) -> Answers:
    """Answers to pictures in one request, which are files named from `folder` on.

    Raises Unusable for one that cannot be read, and as `ask` does.
    """
    return ask(deployment, [b64encode(_content(folder / name)).decode() for name in names], top_k, names)


def ask_file(deployment: Deployment, path: Path, top_k: int = 1) -> Answers:
    """Answers to a file's rows: CSV, JSON lines, or JSON (a list, or an object whose `inputs` are one); or a picture's.

    Raises Unusable for another file, or one that cannot be read, and as `ask` does.
    """
    kind = path.suffix.lower()
    if kind not in (*_AS_IT_IS, *_PICTURES, ".json"):
        known = ", ".join((*_AS_IT_IS, *_PICTURES))
        raise Unusable(f"{path} must end in {known} or .json: its ending says how it is read")
    body = _content(path)
    if kind in _PICTURES and top_k > 1:
        # A bare picture has no parameters.
        return ask_pictures(deployment, [str(path)], top_k)
    if kind in _PICTURES:
        labels, said = _invoke(deployment, body, _PICTURES[kind])
        return _read([labels[:top_k]], said, [str(path)])
    if kind == ".json":
        try:
            content = json.loads(body)
        except ValueError as error:
            raise Unusable(f"{path} cannot be read: {error}") from error
        inputs = content.get("inputs") if isinstance(content, dict) else content
        if not isinstance(inputs, list):
            raise Unusable(f"{path} must hold a list of what is to be answered, or an object whose inputs are one")
        return ask(deployment, inputs, top_k)
    if top_k > 1:
        raise Unusable("a request of CSV or JSON lines asks for one label each: use a .json file with --top")
    return _read(*_invoke(deployment, body, _AS_IT_IS[kind]))


def show(answers: Answers, reading: Reading, console: Console, *, indent: str = "") -> None:
    """Print one line per answer, and what the model said of the inputs."""
    for answer in answers.each:
        said = ", ".join(f"{label} {reading.shown(score)}" for label, score in answer.labels)
        console.print(styled(indent, (said, "bold"), f"  {answer.asked}"))
    for name, sentence in _SAID.items():
        if answers.said.get(name):
            console.print(styled(indent, (sentence(answers.said[name]), "yellow")))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error}") from error


def _invoke(deployment: Deployment, body: bytes, content_type: str) -> tuple[Any, Mapping[str, int]]:
    """The answer, and the counts in its custom attributes."""
    runtime = deployment.client("sagemaker-runtime")
    with in_plain_words(deployment.project):
        try:
            response = runtime.invoke_endpoint(
                EndpointName=deployment.endpoint, ContentType=content_type, Accept=_JSON, Body=body
            )
        except runtime.exceptions.ModelError as error:
            said = error.response.get("OriginalMessage") or str(error)
            raise OpsError(f"The model did not answer: {said}") from error
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ValidationError", "ValidationException"):
                raise NotFound(
                    "No model is live yet: the first promotion makes the endpoint. Drop a file (mlops drop …) and "
                    f"follow it (mlops watch). [{error.response['Error'].get('Message', '')}]"
                ) from error
            raise
        found = json.loads(response["Body"].read())
    pairs = (pair.partition("=") for pair in response.get("CustomAttributes", "").split(";"))
    return found, {name: int(count) for name, _, count in pairs if name in _SAID}


def _read(found: Any, said: Mapping[str, int], asked: Sequence[str] | None = None) -> Answers:
    names = asked or [f"row {number}" for number in range(1, len(found) + 1)]
    of_each = (tuple((one["label"], float(one["score"])) for one in labels) for labels in found)
    return Answers(tuple(Answer(name, labels) for name, labels in zip(names, of_each, strict=True)), said)


def _shown(item: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in item.items()) if isinstance(item, dict) else str(item)
