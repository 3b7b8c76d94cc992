"""S3 as it refuses, or as a function dies on it: what a call about one key is answered, without the call being made."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse

from tests.lambdas.project import Project


class Killed(BaseException):
    """The function's end: nothing that it does can catch it."""


@contextmanager
def refusing(
    project: Project,
    *,
    status: int,
    code: str,
    key: str = "",
    operations: tuple[str, ...] = ("GetObject",),
    times: int = 0,
) -> Iterator[list[str]]:
    """Answer calls about keys that contain `key` with this error, `times` times (0: always); the URLs so answered.

    boto3 tries again as often as it does, without its pauses.
    """
    body = f"<Error><Code>{code}</Code><Message>as a test has it</Message></Error>".encode()
    asked: list[str] = []

    def answer(request: AWSRequest, **_: object) -> AWSResponse | None:
        if key not in request.url or (times and len(asked) >= times):
            return None
        asked.append(request.url)
        return AWSResponse(request.url, status, {"Content-Type": "application/xml"}, _Raw(body))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _seconds: None))
        with _hooked(project, [f"before-send.s3.{operation}" for operation in operations], answer):
            yield asked


@contextmanager
def breaking(project: Project, key: str, error: BaseException) -> Iterator[None]:
    """Raise `error` where an object whose key contains `key` is asked for."""

    def fail(params: dict[str, Any], **_: object) -> None:
        if key in params["url_path"]:
            raise error

    with _hooked(project, ["before-call.s3.GetObject"], fail):
        yield


@contextmanager
def _hooked(project: Project, events: list[str], hook: Any) -> Iterator[None]:
    emitter = project.env.client("s3").meta.events
    for event in events:
        emitter.register(event, hook)
    try:
        yield
    finally:
        for event in events:
            emitter.unregister(event, hook)


class _Raw(io.BytesIO):
    """What botocore reads of a response."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()
