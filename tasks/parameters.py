"""What a JSON request may say beside its inputs, whatever the task: which keys there are, and values that many take."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tasks.formats import ClientError

# They say how a shared service is to treat the request; here the model is loaded, and nothing is cached.
_OPTIONS: Final = ("use_cache", "wait_for_model", "use_gpu")


def read(message: Mapping[str, Any], known: Mapping[str, Callable[[object], Any]]) -> dict[str, Any]:
    """The values of a request's `parameters`, each by the function that reads it; `options` are checked alone.

    Raises ClientError (400).
    """
    options = message.get("options", {})
    require(isinstance(options, dict), '"options" must be an object')
    refuse_others(options, _OPTIONS, '"options"')
    for name, value in options.items():
        require(isinstance(value, bool), f'"{name}" must be true or false')
    given = message.get("parameters", {})
    require(isinstance(given, dict), '"parameters" must be an object')
    refuse_others(given, tuple(known), '"parameters"')
    return {name: known[name](value) for name, value in given.items()}


def labels_asked_for(parameters: Mapping[str, Any]) -> int | None:
    """How many labels are asked for (None: all), by `top_k` and `return_all_scores`.

    As in transformers, where the older parameter gives way to the newer one.
    """
    every: bool = parameters.get("return_all_scores", False)
    asked: int | None = parameters.get("top_k", None if every else 1)
    return asked


def top_k(value: object) -> int | None:
    """A number of labels, or None for all. Raises ClientError, as the others do."""
    return None if value is None else whole(value, 1, '"top_k" must be {}, or null for all labels')


def all_scores(value: object) -> bool:
    """Whether all labels are asked for."""
    require(isinstance(value, bool), '"return_all_scores" must be true or false')
    return value is True


def whole(value: object, least: int, words: str) -> int:
    """A whole number from `least` on; `words` have a place for what it must be."""
    if isinstance(value, float) and value.is_integer():
        # JSON has one kind of number: 1.0 is a whole one there, and some clients write it so.
        value = int(value)
    if type(value) is not int or value < least:
        raise ClientError(400, words.format(f"a whole number of at least {least}"))
    return value


def refuse_others(message: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """A misspelt parameter that is ignored looks like one that does not work."""
    others = sorted(set(message) - set(known))
    if others:
        raise ClientError(400, f"{where} has the unknown key {quoted(others[0])}; known are {', '.join(known)}")


def require(holds: bool, words: str) -> None:
    """Raise a ClientError (400) with these words unless it holds."""
    if not holds:
        raise ClientError(400, words)


def quoted(text: str) -> str:
    """What a client sent, as JSON and shortened, for a message to it."""
    return json.dumps(text[:100])
