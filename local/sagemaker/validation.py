"""Refuse a malformed request with the service's own model, as AWS refuses it.

botocore's ParamValidator checks types and required members; it ignores patterns, enums and upper bounds, which the
model holds too, so they are walked here. Rules that span members are in `rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import regex
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from local.sagemaker.errors import ApiError, invalid


@cache
def service_model() -> ServiceModel:
    """SageMaker's model as botocore ships it (one copy per process)."""
    return botocore.session.get_session().get_service_model("sagemaker")


def check(operation: str, request: dict[str, Any]) -> None:
    """Validate one request against the model.

    Raises:
        ApiError: UnknownOperationException, or ValidationException that lists every violation.
    """
    if operation not in service_model().operation_names:
        raise ApiError("UnknownOperationException", f"Unknown operation {operation}", 404)
    shape = service_model().operation_model(operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise invalid(f"1 validation error detected: {report.generate_report()}")
    violations = list(_violations(shape, request, ""))
    if violations:
        plural = "s" if len(violations) > 1 else ""
        raise invalid(f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}")


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from _violations(shape.members[name], member, f"{path}.{_camel(name)}".lstrip("."))
    elif shape.type_name == "list":
        yield from _size(shape, len(value), value, path)
        for i, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{i}.member")
    elif shape.type_name == "map":
        yield from _size(shape, len(value), value, path)
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.key")
            yield from _violations(shape.value, item, f"{path}.{key}.member")
    elif shape.type_name == "string":
        yield from _size(shape, len(value), value, path)
        yield from _text(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _bounds(shape, value, value, path, "value")


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    pattern = shape.metadata.get("pattern")
    # The model's patterns are Java's: `re` knows no \p{L}, `regex` does.
    if pattern and not regex.fullmatch(pattern, value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _size(shape: Shape, size: int, value: Any, path: str) -> Iterator[str]:
    yield from _bounds(shape, size, value, path, "length")


def _bounds(shape: Shape, size: float, value: Any, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _failed(value, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _failed(value, path, f"Member must have {what} less than or equal to {high}")


def _failed(value: Any, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]
