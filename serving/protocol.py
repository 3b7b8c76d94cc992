"""The request body that clients of HuggingFace endpoints send: what is accepted, and what is said of the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from serving.predictor import Prediction

# What InvokeEndpoint passes on to and takes back from a serverless endpoint (SageMaker Developer Guide,
# `serverless-endpoints-invoke`).
MAX_BODY_BYTES: Final = 4 * 2**20
# One thread reads some 500 tokens in 0.2 s with a DistilBERT, and SageMaker gives a request 60 s.
MAX_TEXTS: Final = 256


class ClientError(Exception):
    """A request that cannot be answered as it is, with the HTTP status that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Invocation(NamedTuple):
    """A valid request: its texts, whether it was one bare text, and how many labels each answer should have."""

    texts: list[str]
    single: bool
    top_k: int | None


def parse(content_type: str, body: bytes) -> Invocation:
    """Read the body of a POST to /invocations. Raises ClientError (400, 413 or 415), never anything else."""
    _check_content_type(content_type)
    try:
        message = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise ClientError(400, "the body is nested too deeply") from None
    except ValueError as error:
        raise ClientError(400, f"the body is not JSON in UTF-8: {error}") from None
    if not isinstance(message, dict) or "inputs" not in message:
        raise ClientError(400, 'the body must be an object with "inputs"')
    _refuse_others(message, ("inputs", "parameters"), "the body")
    single = isinstance(message["inputs"], str)
    texts = [message["inputs"]] if single else message["inputs"]
    _check_texts(texts)
    return Invocation(texts, single, _top_k(message.get("parameters", {})))


def render(invocation: Invocation, predictions: Sequence[Sequence[Prediction]]) -> bytes:
    """The body of the answer: a list of labels for one bare text, a list of such lists for a list of texts."""
    lists = [[prediction._asdict() for prediction in of_text] for of_text in predictions]
    return json.dumps(lists[0] if invocation.single else lists, ensure_ascii=False).encode("utf-8", "replace")


def _check_content_type(content_type: str) -> None:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media_type not in ("", "application/json"):
        raise ClientError(415, f"the content type must be application/json, not {media_type[:100]!r}")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise ClientError(415, "the charset must be utf-8")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _refuse_others(message: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    # A misspelt parameter that is ignored looks like one that does not work.
    others = sorted(set(message) - set(known))
    if others:
        raise ClientError(400, f"{where} has the unknown key {_quoted(others[0])}; known are {', '.join(known)}")


def _check_texts(texts: object) -> None:
    if not isinstance(texts, list):
        raise ClientError(400, '"inputs" must be a text or a list of texts')
    if not texts:
        raise ClientError(400, '"inputs" is empty')
    if len(texts) > MAX_TEXTS:
        raise ClientError(413, f'"inputs" has {len(texts)} texts; at most {MAX_TEXTS} are answered at once')
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ClientError(400, f'"inputs"[{index}] is not a text')
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ClientError(400, f'"inputs"[{index}] has half of a surrogate pair') from None


def _top_k(parameters: object) -> int | None:
    if not isinstance(parameters, dict):
        raise ClientError(400, '"parameters" must be an object')
    _refuse_others(parameters, ("top_k",), '"parameters"')
    top_k = parameters.get("top_k", 1)
    if isinstance(top_k, float) and top_k.is_integer():
        # JSON has one kind of number: 1.0 is a whole one there, and some clients write it so.
        top_k = int(top_k)
    if top_k is not None and (type(top_k) is not int or top_k < 1):
        raise ClientError(400, '"top_k" must be a whole number of at least 1, or null for all labels')
    return top_k


def _quoted(text: str) -> str:
    return json.dumps(text[:100])
