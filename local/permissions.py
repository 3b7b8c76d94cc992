"""What was asked of IAM on the local cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """One thing that a role asked to do. `context` are the condition keys, lower case, with their values."""

    role: str
    action: str
    resource: str
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, role: str, action: str, resource: str, context: Mapping[str, Any]) -> Request:
        """A request from its parts; keys that are not there, or empty, are left out."""
        texts = {key: _texts(value) for key, value in context.items() if value is not None and value != []}
        return cls(role, action, resource, tuple(sorted(texts.items())))

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> Request:
        """The inverse of `to_json`."""
        role, action, resource, context = value
        return cls(role, action, resource, tuple((key, tuple(values)) for key, values in context))

    def to_json(self) -> list[Any]:
        """[role, action, resource, [[key, [value, …]], …]]."""
        return [self.role, self.action, self.resource, [[key, list(values)] for key, values in self.context]]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
