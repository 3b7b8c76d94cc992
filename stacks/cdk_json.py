"""Turns the `settings` of cdk.json into checked values, and every mistake in them into one clear message.

A deployment takes minutes and a training run costs money: a misspelt key must be caught at synth, by its name.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from constructs import Node
from pydantic import ValidationError

import tasks
from domain.settings import Settings, check
from tasks.settings import UnknownTask, of_project

_ECR_IMAGE: Final = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})"
)
_WITH_PARTS: Final = ("array", "object")
# Lambda takes 4 KB of variables in all; names and ARNs have the rest.
_MOST_BYTES: Final = 3_000


class SettingsError(ValueError):
    """The settings cannot be used; the message names every wrong key, its value and what is allowed."""


def load(node: Node) -> Settings:
    """The settings in the context of `node`, with the JSON file named by the context key `overlay` merged over them.

    Raises SettingsError.
    """
    overlay = node.try_get_context("overlay")
    raw = node.try_get_context("settings") or {}
    return parse(merge(raw, read_overlay(Path(overlay))) if overlay else raw)


def read_overlay(path: Path) -> dict[str, Any]:
    """The JSON object in `path`. Raises SettingsError if there is none."""
    try:
        overlay = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The overlay {path} cannot be read as JSON: {error}") from error
    if not isinstance(overlay, dict):
        raise SettingsError(f"The overlay {path} must hold a JSON object, not {_shown(overlay)}.")
    return overlay


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`; objects are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def parse(raw: Mapping[str, Any]) -> Settings:
    """`raw` as Settings. Raises SettingsError with one line for each mistake."""
    try:
        known = of_project(raw)
    except UnknownTask as error:
        raise SettingsError(_message([str(error)])) from error
    try:
        # Strict, and as JSON: "false" is not a boolean, and true is not the number 1.
        settings = known.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        schema = known.model_json_schema()
        raise SettingsError(_message([_explain(detail, schema) for detail in error.errors()])) from error
    problems = list(_cross_checks(settings))
    if problems:
        raise SettingsError(_message(problems))
    return settings


def _message(problems: list[str]) -> str:
    return "\n".join(["The settings in cdk.json (or its overlay) cannot be used:", *(f"  - {p}" for p in problems)])


def _explain(detail: Any, schema: dict[str, Any]) -> str:
    """One line about one pydantic error: the key, the value, what is allowed."""
    path = tuple(str(part) for part in detail["loc"])
    key = ".".join(path) or "settings"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(path, schema)
    if detail["type"] == "value_error":  # a rule about several keys says itself what it wants
        return f"{key}: {str(detail['msg']).removeprefix('Value error, ')}"
    return f"{key} is {_shown(detail['input'])}, but must be {_allowed(path, schema)}"


def _unknown_key(path: tuple[str, ...], schema: dict[str, Any]) -> str:
    section, name = _schema_at(path[:-1], schema), path[-1]
    known = sorted(section["properties"])
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}"
    return f"{'.'.join(path)} is not a setting; {hint}"


def _schema_at(path: tuple[str, ...], whole: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of the setting at `path` in that of all settings; items of lists share one, as objects' do."""
    schema: dict[str, Any] = whole
    for part in path:
        # Of what may be null, only the other has parts.
        schema = next((option for option in schema.get("anyOf", []) if option.get("type") in _WITH_PARTS), schema)
        properties = schema.get("properties", {})
        schema = schema["items"] if "items" in schema else properties.get(part) or schema["additionalProperties"]
        if "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _allowed(path: tuple[str, ...], whole: dict[str, Any]) -> str:
    """The values that the setting at `path` takes, in words."""
    schema = _schema_at(path, whole)
    if "anyOf" in schema:
        return " or ".join(_words(option) for option in schema["anyOf"])
    return _words(schema)


def _words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return f"{'a whole number' if kind == 'integer' else 'a number'}{_range(schema)}"
    if kind == "string":
        pattern = f" that matches {schema['pattern']}" if "pattern" in schema else ""
        return f"text{_length(schema)}{pattern}"
    if kind == "array":
        return f"a list of {schema.get('minItems', 0)} to {schema.get('maxItems', 'any number of')} texts"
    if kind == "object" and "properties" not in schema:
        return f"an object, each of whose values is {_words(schema['additionalProperties'])}"
    return {"boolean": "true or false", "null": "null"}.get(
        str(kind), f"an object with {', '.join(schema.get('properties', {}))}"
    )


def _range(schema: Mapping[str, Any]) -> str:
    low, above, high = (schema.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    parts = [f"above {above}" if above is not None else "", f"from {low}" if low is not None else ""]
    parts.append(f"to {high}" if high is not None else "or more" if low is not None else "")
    return "".join(f" {part}" for part in parts if part)


def _length(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if low is None and high is None:
        return ""
    return f" of {low or 0} to {high} characters" if high is not None else f" of at least {low} characters"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _cross_checks(settings: Settings) -> list[str]:
    """What only AWS or the other settings can say about a value."""
    problems = []
    base = settings.training.base_uri
    for key, image, word in (
        ("serving.image", settings.serving.image, "build"),
        ("training.image", settings.training.image, "auto"),
    ):
        if image != word and not _ECR_IMAGE.fullmatch(image):
            problems.append(
                f'{key} is {_shown(image)}, but must be "{word}" or the URI of an ECR image with its tag or digest'
            )
    problems += settings.training.problems()
    try:
        check(tasks.kind(settings.task), settings)
    except ValueError as error:
        problems.append(str(error))
    try:
        tasks.row(settings.task).columns(settings.data)
    except ValueError as error:
        problems.append(f"data: {error}")
    # SageMaker reads an S3Prefix as a string prefix: without the slash, base/a would take base/ab as well.
    if base and not re.fullmatch(r"s3://[^/]+/.+/", base):
        problems.append(f"training.base_model is {_shown(base)}, but an S3 location must read s3://bucket/prefix/")
    size = len(settings.model_dump_json().encode())
    if size > _MOST_BYTES:
        problems.append(
            f"the settings have {size:,} bytes, but {_MOST_BYTES:,} fit in a Lambda function's environment: "
            "list fewer or shorter names, or leave data.labels null"
        )
    return problems
