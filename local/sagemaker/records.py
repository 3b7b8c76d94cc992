"""What the service remembers: one table per kind, scoped by account and region, and the tags of every ARN."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from local.sagemaker.errors import invalid
from local.sagemaker.platform import Platform

T = TypeVar("T")
Record = dict[str, Any]


def arn(platform: Platform, kind: str, name: str) -> str:
    """ARN of a resource in the current account and region; SageMaker lower-cases the name in it."""
    return f"arn:aws:sagemaker:{platform.region()}:{platform.account()}:{kind}/{name.lower()}"


def check_role(platform: Platform, role: str) -> None:
    """Refuse a role that SageMaker could not assume. Raises ApiError(ValidationException)."""
    if not platform.trusts_sagemaker(role):
        raise invalid(
            f"Could not assume role {role}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )


class Table(Generic[T]):
    """Records by name, seen only within the current account and region. Thread safe."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._rows, self._lock = platform, dict[tuple[str, str, str], T](), threading.RLock()

    def _key(self, name: str) -> tuple[str, str, str]:
        return self._platform.account(), self._platform.region(), name

    def get(self, name: str) -> T | None:
        """The record, or None."""
        with self._lock:
            return self._rows.get(self._key(name))

    def add(self, name: str, record: T) -> bool:
        """Add a record; False when the name is taken."""
        with self._lock:
            if self._key(name) in self._rows:
                return False
            self._rows[self._key(name)] = record
            return True

    def remove(self, name: str) -> T | None:
        """Remove and return the record, or None."""
        with self._lock:
            return self._rows.pop(self._key(name), None)

    def values(self) -> list[T]:
        """The records of this account and region, oldest first."""
        with self._lock:
            scope = self._key("")[:2]
            return [row for key, row in self._rows.items() if key[:2] == scope]

    def __iter__(self) -> Iterator[T]:
        """Every record of every account and region (housekeeping)."""
        with self._lock:
            return iter(list(self._rows.values()))


class Tags:
    """AddTags, ListTags and DeleteTags, and the Tags member of every Create request."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}
        self.operations = {
            "AddTags": self.add_tags,
            "ListTags": self.list_tags,
            "DeleteTags": self.delete_tags,
        }

    def put(self, resource: str, tags: list[dict[str, str]]) -> None:
        """Merge tags into a resource's."""
        self._tags.setdefault(resource, {}).update({tag["Key"]: tag["Value"] for tag in tags})

    def forget(self, resource: str) -> None:
        """Forget a deleted resource."""
        self._tags.pop(resource, None)

    def add_tags(self, request: Record) -> Record:
        """AddTags."""
        self.put(request["ResourceArn"], request["Tags"])
        return self.list_tags(request)

    def list_tags(self, request: Record) -> Record:
        """ListTags."""
        tags = self._tags.get(request["ResourceArn"], {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    def delete_tags(self, request: Record) -> Record:
        """DeleteTags."""
        for key in request["TagKeys"]:
            self._tags.get(request["ResourceArn"], {}).pop(key, None)
        return {}


def page(items: list[Record], request: Record, member: str, *, name: str = "") -> Record:
    """One page of a List answer: NameContains, StatusEquals-free; sorted as asked, MaxResults at a time.

    `name` is the member that NameContains and SortBy=Name look at.
    """
    if name and request.get("NameContains"):
        items = [item for item in items if request["NameContains"].lower() in item[name].lower()]
    if name and request.get("SortBy") == "Name":
        items = sorted(items, key=lambda item: item[name])
    if request.get("SortOrder", "Descending") == "Descending":
        items = items[::-1]
    start, size = int(request.get("NextToken", 0)), request.get("MaxResults", 100)
    answer: Record = {member: copy.deepcopy(items[start : start + size])}
    if start + size < len(items):
        answer["NextToken"] = str(start + size)
    return answer
