"""The real Lambda handlers, run one AWS call at a time.

A handler is a function of its event and of what AWS answered, since its clock stands still here. So how far an
invocation has come is a node in a tree: the event, and the answers so far. To take it one call further the handler is
run from its start, with the recorded answers, up to the next call; that is done once for each node.
"""

from __future__ import annotations

import copy
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from types import SimpleNamespace
from typing import IO, Any, NamedTuple

import boto3
import pytest

from lambdas import environment, tell_once
from tests.explorer.table import exceptions

Handler = Callable[[dict[str, Any], object], Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Call(NamedTuple):
    """What a handler asks AWS for."""

    service: str
    operation: str
    arguments: dict[str, Any]


class Answer(NamedTuple):
    """What AWS answers: a value as boto3 gives it, or the code of an error."""

    value: Any
    error: str = ""
    message: str = ""
    reasons: tuple[str, ...] = ()


class Returned(NamedTuple):
    """A handler came to its end, with a value (as JSON) or an error (its class's name)."""

    value: str
    error: str = ""
    cause: str = ""


@dataclass
class _Node:
    name: str
    event: str
    answers: tuple[Answer, ...]
    outcome: Call | Returned


class _NotAnsweredYet(BaseException):
    """Ends a run at the first call that has no answer yet. No handler can catch it."""

    def __init__(self, call: Call) -> None:
        self.call = call


class Functions:
    """All functions, and the tree of what their invocations have come to. Use within `surroundings`."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._nodes: list[_Node] = []
        self._found: dict[tuple[Any, ...], int] = {}

    def invoke(self, name: str, event: str) -> int:
        """The node of an invocation that has asked for nothing yet; `event` is JSON."""
        return self._node((name, event), name, event, ())

    def proceed(self, node: int, answer: Answer) -> int:
        """The node after the call that `node` waits for was answered."""
        known = self._nodes[node]
        return self._node((node, repr(answer)), known.name, known.event, (*known.answers, answer))

    def outcome(self, node: int) -> Call | Returned:
        """The call that the invocation waits for, or how it ended."""
        return self._nodes[node].outcome

    def is_fresh(self, node: int) -> bool:
        """Whether nothing was answered yet."""
        return not self._nodes[node].answers

    def name(self, node: int) -> str:
        """Whose invocation it is."""
        return self._nodes[node].name

    def __len__(self) -> int:
        return len(self._nodes)

    def _node(self, key: tuple[Any, ...], name: str, event: str, answers: tuple[Answer, ...]) -> int:
        if key not in self._found:
            outcome = self._run(name, event, answers)
            self._found[key] = len(self._nodes)
            self._nodes.append(_Node(name, event, answers, outcome))
        return self._found[key]

    def _run(self, name: str, event: str, answers: tuple[Answer, ...]) -> Call | Returned:
        _script.begin(answers)
        try:
            with redirect_stdout(io.StringIO()):
                value = self._handlers[name](json.loads(event), None)
        except _NotAnsweredYet as stopped:
            return stopped.call
        # The Lambda runtime: whatever a function raises becomes an error of the invocation.
        except Exception as error:  # noqa: BLE001
            return Returned("null", type(error).__name__, str(error))
        return Returned(json.dumps(value, sort_keys=True))


# ---- what the handlers see instead of AWS -------------------------------------------------


class _Script:
    """The answers of the run that is on."""

    def begin(self, answers: tuple[Answer, ...]) -> None:
        self._answers: Iterator[Answer] = iter(answers)

    def ask(self, service: str, operation: str, arguments: dict[str, Any]) -> Any:
        answer = next(self._answers, None)
        if answer is None:
            raise _NotAnsweredYet(Call(service, operation, arguments))
        if answer.error:
            said = {"Code": answer.error, "Message": answer.message or answer.error}
            reasons = [{"Code": reason} for reason in answer.reasons]
            raise exceptions(service).from_code(answer.error)(
                {"Error": said, "CancellationReasons": reasons}, operation
            )
        return copy.deepcopy(answer.value)


_script = _Script()


class _Client:
    """A boto3 client whose every operation is a call to be answered."""

    def __init__(self, service: str) -> None:
        self._service = service
        self.exceptions = exceptions(service)
        self.meta = self
        self.region_name = "us-east-1"

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(**arguments: Any) -> Any:
            answer = _script.ask(self._service, operation, arguments)
            if operation in ("get_object", "invoke_endpoint"):
                answer["Body"] = io.BytesIO(answer["Body"])
            return answer

        return ask

    def get_paginator(self, operation: str) -> _Paginator:
        return _Paginator(self, operation)

    def upload_fileobj(self, file: IO[bytes], bucket: str, key: str) -> None:
        _script.ask(self._service, "put_object", {"Bucket": bucket, "Key": key, "Body": file.read()})


class _Paginator:
    """Everything fits on one page."""

    def __init__(self, client: _Client, operation: str) -> None:
        self._client, self._operation = client, operation

    def paginate(self, **arguments: Any) -> list[Any]:
        return [getattr(self._client, self._operation)(**arguments)]


class _Events:
    """boto3's hooks: in these stories nothing is denied."""

    def register(self, name: str, hook: Callable[..., None]) -> None:
        pass


class _Table(_Client):
    """boto3's DynamoDB `Table`."""

    name = "ledger"

    def __init__(self) -> None:
        super().__init__("dynamodb")
        self.client = self


class _Session:
    events = _Events()

    def client(self, service: str, **_config: Any) -> _Client:
        return _Client(service)

    def resource(self, service: str, **_config: Any) -> _Session:
        return self

    def Table(self, name: str) -> _Table:  # noqa: N802 - boto3's name
        return _Table()


class _Clock(datetime):
    """A clock that stands still: else no two invocations would be alike."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW


def _waits(_seconds: float) -> None:
    pytest.fail("a function was answered that it has to wait")


@contextmanager
def surroundings(variables: Mapping[str, str]) -> Iterator[None]:
    """Handlers called in here find these environment variables, boto3 sessions that are scripted, and that clock."""
    makers = (environment._session, environment._table, environment._client)
    for service in ("dynamodb", "s3", "stepfunctions", "sagemaker", "sagemaker-runtime", "sns", "events"):
        exceptions(service)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, "POWERTOOLS_LOG_LEVEL": "CRITICAL"}.items():
            patch.setitem(os.environ, name, value)
        patch.setattr(boto3.session, "Session", _Session)
        patch.setattr(environment, "datetime", _Clock)
        # Nobody's turn ends while the clock stands still: the explorer asks again when it may be the function's.
        patch.setattr(tell_once, "time", SimpleNamespace(sleep=_waits))
        for maker in makers:
            maker.cache_clear()
        yield
    for maker in makers:
        maker.cache_clear()
