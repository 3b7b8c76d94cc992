"""The requests that clients of HuggingFace endpoints send: what is accepted, and what is said of the rest.

`docs/api.md` has the table of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from tasks.formats import CSV, JSON, PLAIN, content_type, decode, load
from tasks.formats import MAX_BODY_BYTES as MAX_BODY_BYTES
from tasks.formats import ClientError as ClientError
from tasks.parameters import all_scores, labels_asked_for, refuse_others, require, top_k, whole
from tasks.parameters import read as read_parameters
from tasks.text.bodies import read_csv, read_json_lines
from tasks.text.model import FUNCTIONS, Encoded, Function

MAX_TEXTS: Final = 256
# SageMaker gives a request 60 s. One thread of a 2.0 GHz Xeon read 512 tokens in 0.43 s with a DistilBERT, so these in
# 28 s: 64 texts of 512 tokens, or 256 of 128, the default of training.hyperparameters.max_length.
MAX_TOKENS: Final = 32_768
# The two marks at a text's ends count, and one token between them is the least to say anything of.
_LEAST_LENGTH: Final = 3
_TRUNCATIONS: Final = (True, "longest_first", "only_first")
_NO_TRUNCATIONS: Final = (False, "do_not_truncate")
_PADDINGS: Final = (True, False, "longest", "max_length", "do_not_pad")


class Invocation(NamedTuple):
    """A valid request: its texts, whether it was one bare text, and what is asked of them.

    `top_k` labels each (None: all), scored by `function`; a text is cut after `max_length` tokens (None: after as many
    as the model reads), or refused if `truncation` is False.
    """

    texts: list[str]
    single: bool
    top_k: int | None = 1
    function: Function = "softmax"
    max_length: int | None = None
    truncation: bool = True


def parse(header: str, body: bytes, features: Sequence[str] = ("text",)) -> Invocation:
    """Read the body of a POST to /invocations with this header Content-Type; `features` are the model's.

    Raises ClientError (400, 413 or 415), never anything else.
    """
    kind = content_type(header)
    text = decode(body, kind.media_type)
    if kind.media_type == JSON:
        return _parse_json(load(text, "the body"))
    if kind.media_type == PLAIN:
        return Invocation([text.removesuffix("\n").removesuffix("\r")], single=True)
    texts = read_csv(text, kind.header, features) if kind.media_type == CSV else read_json_lines(text, features)
    _check_texts(texts, "the body")
    return Invocation(texts, single=False)


def check_lengths(invocation: Invocation, encoded: Sequence[Encoded]) -> None:
    """Raises ClientError (400, 413) for texts that are cut though they must not be, or too many tokens in all."""
    if not invocation.truncation:
        cut = next((index for index, item in enumerate(encoded) if item.truncated), None)
        if cut is not None:
            read = encoded[cut].tokens
            raise ClientError(400, f'text [{cut}] has more than {read} tokens, and "truncation" must not be')
    total, fitting = 0, 0
    for item in encoded:
        total += item.tokens
        fitting += total <= MAX_TOKENS
    if total > MAX_TOKENS:
        raise ClientError(
            413, f"the texts have {total} tokens; at most {MAX_TOKENS} are read at once, here the first {fitting} texts"
        )


def _parse_json(message: Any) -> Invocation:
    if not isinstance(message, dict) or "inputs" not in message:
        raise ClientError(400, 'the body must be an object with "inputs"')
    refuse_others(message, ("inputs", "parameters", "options"), "the body")
    single = isinstance(message["inputs"], str)
    texts = [message["inputs"]] if single else message["inputs"]
    _check_texts(texts, '"inputs"')
    asked = read_parameters(message, _PARAMETERS)
    truncation = asked.get("truncation", True)
    return Invocation(
        texts,
        single,
        labels_asked_for(asked),
        asked.get("function_to_apply", "softmax"),
        # There too: without truncation it is no limit.
        asked.get("max_length") if truncation else None,
        truncation,
    )


def _check_texts(texts: object, what: str) -> None:
    if not isinstance(texts, list):
        raise ClientError(400, f"{what} must be a text or a list of texts")
    if not texts:
        raise ClientError(400, f"{what} is empty")
    if len(texts) > MAX_TEXTS:
        raise ClientError(413, f"{what} has {len(texts)} texts; at most {MAX_TEXTS} are answered at once")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ClientError(400, f"{what}[{index}] is not a text")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ClientError(400, f"{what}[{index}] has half of a surrogate pair") from None


def _function(value: object) -> Function:
    for name in FUNCTIONS:
        if value == name:
            return name
    if value is None:
        return "softmax"
    raise ClientError(400, f'"function_to_apply" must be one of {", ".join(FUNCTIONS)}, or null')


def _max_length(value: object) -> int | None:
    return None if value is None else whole(value, _LEAST_LENGTH, '"max_length" must be {}, or null')


def _truncation(value: object) -> bool:
    require(
        _is_one_of(value, (*_TRUNCATIONS, *_NO_TRUNCATIONS)),
        '"truncation" must be true, false, "longest_first", "only_first" or "do_not_truncate"',
    )
    return _is_one_of(value, _TRUNCATIONS)


def _padding(value: object) -> None:
    # Each text is read by itself, so there is nothing to pad, and no answer depends on it.
    require(_is_one_of(value, _PADDINGS), '"padding" must be true, false, "longest", "max_length" or "do_not_pad"')


def _is_one_of(value: object, known: Sequence[bool | str]) -> bool:
    # 1 == True, but in JSON it is not.
    return isinstance(value, bool | str) and value in known


_PARAMETERS: Final[dict[str, Callable[[object], Any]]] = {
    "top_k": top_k,
    "return_all_scores": all_scores,
    "function_to_apply": _function,
    "truncation": _truncation,
    "padding": _padding,
    "max_length": _max_length,
}
