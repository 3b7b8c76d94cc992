"""Everything that two executions can see of each other: the ledger, landing, the executions, events on their way.

A world is a value: it is copied, changed by one step, and compared by what is in it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from domain import layout
from tests.explorer import table
from tests.explorer.functions import NOW, Answer, Call
from tests.explorer.machine import At, Ended, Machine

CLAIM = ("claim", "claim")


class Execution(NamedTuple):
    """An execution: at a task, with the node of the invocation that it waits for; or ended."""

    message: str
    at: At | None
    node: int | None
    ended: Ended | None = None

    @property
    def status(self) -> str:
        return self.ended.status if self.ended else "RUNNING"

    @property
    def is_inside(self) -> bool:
        """Whether it has passed Claim and not come to Release."""
        return self.at is not None and self.at.state not in ("Claim", "Release")


class Event(NamedTuple):
    """What has yet to come: a `dropped` or `broken` that EventBridge delivers (`tries` are Lambda's for broken), or the
    start of what a person `ordered`, by the order's id."""

    kind: str
    about: str
    tries: int = 3


class Invocation(NamedTuple):
    """A function that no execution waits for: Reconcile, or a step of an execution that was aborted meanwhile."""

    node: int
    event: Event | None


@dataclass
class World:
    """One state of everything. `faults` is how many may still happen; `lost`: one of them needs the sweep.

    `served` is the config of each endpoint that there is, `given` how many orders of the story were.
    """

    faults: int
    items: table.Items = field(default_factory=dict)
    objects: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    served: dict[str, str] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    invocations: tuple[Invocation, ...] = ()
    events: tuple[Event, ...] = ()
    files: int = 0
    given: int = 0
    started: int = 0
    told: frozenset[str] = frozenset()
    dirty: bool = False
    lost: bool = False
    swept: bool = False

    def copy(self) -> World:
        """Another world that is equal."""
        fresh = replace(self)
        fresh.items, fresh.objects, fresh.executions = dict(self.items), dict(self.objects), dict(self.executions)
        fresh.served = dict(self.served)
        return fresh

    def key(self) -> int:
        """Equal worlds have equal keys, and it would take billions of worlds for two others to share one."""
        return hash(
            (
                frozenset(self.items.items()), frozenset(self.objects), frozenset(self.executions.items()),
                self.invocations, self.events, self.faults, self.files, self.started, self.told, self.dirty, self.lost,
                self.swept, self.given, frozenset(self.served.items()),
            )
        )  # fmt: skip

    @property
    def holder(self) -> str:
        """The ARN of the execution that the ledger says has the claim, or ""."""
        item = self.items.get(CLAIM)
        return str(json.loads(item)["owner"]["S"]) if item else ""

    def landing(self) -> list[dict[str, Any]]:
        """What S3 lists below landing/."""
        found = [(key, self.objects[key]) for key in sorted(self.objects) if key.startswith(layout.LANDING)]
        return [{"Key": key, "ETag": tag, "LastModified": datetime.fromisoformat(at)} for key, (tag, at, _) in found]

    def put(self, key: str, body: bytes, at: datetime = NOW) -> None:
        """Write an object."""
        self.objects[key] = (f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"', at.isoformat(), body)

    def send(self, event: Event) -> None:
        """EventBridge takes an event: it may be delivered at any time from now on."""
        self.events = tuple(sorted((*self.events, event)))


def is_private(world: World, call: Call) -> bool:
    """Whether nobody but the claim's holder can see the call's effect, or what it reads changed: where it stands
    among the others' calls makes no difference. Where a model is live, a late call may change what is."""
    if call.service == "sagemaker" and world.served and call.operation.endswith("_endpoint"):
        return False
    if call.service in ("sagemaker", "sagemaker-runtime", "sns", "events"):
        return True
    if call.operation == "list_objects_v2":
        return bool(call.arguments["Prefix"] != layout.LANDING)
    key = str(call.arguments.get("Key", ""))
    return call.operation in ("get_object", "put_object", "head_object") and not layout.is_landing(key)


def waits(world: World, call: Call) -> bool:
    """Whether a call would only say that it is another invocation's turn; its function sleeps and asks again then."""
    item = call.arguments.get("Item", {})
    known = world.items.get((str(item.get("pk")), str(item.get("sk"))), "")
    at_it = '"until": {' in known and '"until": {"N": "0"}' not in known
    return call.operation == "put_item" and "until" in item and at_it


def perform(world: World, call: Call, machine: Machine) -> Answer:
    """Carry out a call on `world`, which is changed; AWS's answer."""
    if call.service == "dynamodb":
        try:
            return Answer(table.apply(world.items, call.operation, call.arguments))
        except table.Rejected as rejected:
            return Answer(None, rejected.code, reasons=rejected.reasons)
    service = call.service.replace("-", "_")
    answer: Answer = globals()[f"_{service}_{call.operation}"](world, call.arguments, machine)
    return answer


def _s3_list_objects_v2(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    # No run of a story comes as far as having an artifact.
    return Answer({"Contents": world.landing() if arguments["Prefix"] == layout.LANDING else []})


def _s3_get_object(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    found = world.objects.get(arguments["Key"])
    if found is None:
        return Answer(None, "NoSuchKey")
    if arguments.get("IfMatch", found[0]) != found[0]:
        return Answer(None, "PreconditionFailed")
    return Answer({"Body": found[2], "ETag": found[0], "ContentLength": len(found[2])})


def _s3_put_object(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    body = arguments["Body"]
    world.put(arguments["Key"], body.read() if isinstance(body, io.IOBase) else body)
    return Answer({})


def _stepfunctions_describe_execution(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    arn = arguments["executionArn"]
    execution = world.executions.get(arn.rsplit(":", 1)[1])
    if execution is None:
        return Answer(None, "ExecutionDoesNotExist")
    said = {"executionArn": arn, "status": execution.status, "input": execution.message, "startDate": NOW}
    ended = {"error": execution.ended.error, "cause": execution.ended.cause} if execution.ended else {}
    return Answer({**said, **ended})


def _stepfunctions_start_execution(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    name, message = arguments["name"], arguments["input"]
    known = world.executions.get(name)
    # Starting one that runs with the same input once more is no error (the API's documentation).
    if known and not (known.message == message and known.status == "RUNNING"):
        return Answer(None, "ExecutionAlreadyExists")
    if not known:
        start(world, name, message, machine)
    return Answer({"executionArn": machine.execution_arn(name)})


def start(world: World, name: str, message: str, machine: Machine) -> None:
    """An execution begins; its first function is invoked when it is looked at."""
    at = machine.begin(name, message)
    assert isinstance(at, At)
    world.executions[name] = Execution(message, at, None)


def _sns_publish(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    about = [line for line in arguments["Message"].splitlines() if line.startswith("Execution: ")]
    world.told |= {line.rsplit(":", 1)[1] for line in about}
    return Answer({"MessageId": "1"})


def _events_put_events(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    return Answer({"FailedEntryCount": 0})


def _s3_head_object(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    """What was judged lies there, unchanged."""
    archive = str(layout.released_archive(arguments["Key"]))
    return Answer({"ChecksumSHA256": base64.b64encode(bytes.fromhex(archive)).decode()})


def _sagemaker_describe_endpoint(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    config = world.served.get(arguments["EndpointName"])
    if config is None:
        return Answer(None, "ValidationException", "Could not find endpoint")
    return Answer({"EndpointStatus": "InService", "EndpointConfigName": config})


def _sagemaker_create_endpoint(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    if arguments["EndpointName"] in world.served:
        return Answer(None, "ValidationException", "Cannot create already existing endpoint")
    return _sagemaker_update_endpoint(world, arguments, machine)


def _sagemaker_update_endpoint(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    world.served[arguments["EndpointName"]] = arguments["EndpointConfigName"]
    return Answer({})


def _sagemaker_delete_endpoint(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    world.served.pop(arguments["EndpointName"], None)
    return Answer({})


def _sagemaker_describe_model(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    """What was live is kept: its model and its configs are there."""
    return Answer(arguments)


_sagemaker_describe_endpoint_config = _sagemaker_describe_model


def _sagemaker_runtime_invoke_endpoint(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    """Each model answers as it was judged (`tests/explorer/champions.py`)."""
    inputs = json.loads(arguments["Body"])["inputs"]
    return Answer({"Body": json.dumps([[{"label": "good", "score": 1.0}] for _ in inputs]).encode()})


def _sagemaker_list_endpoint_configs(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    return Answer({"EndpointConfigs": []})


def _sagemaker_list_models(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    return Answer({"Models": []})


def _sagemaker_list_training_jobs(world: World, arguments: dict[str, Any], machine: Machine) -> Answer:
    return Answer({"TrainingJobSummaries": []})
