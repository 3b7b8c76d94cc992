"""The matrix: one row per fault. Functions make rows that look alike, those of calls in `calls.py`."""

from __future__ import annotations

from typing import Any

from tests.faults.calls import asked_by_the_machine, conflicting, denied, killed, lost, refused, slow, twice
from tests.faults.case import Case
from tests.faults.ordered import ordered
from tests.faults.rules import machine, on, slug

# The fact by which Reconcile remembers that a person was told.
_MARKER = '"marker"'
# A call that each state makes, held up so that the state is still at it when it is aborted.
HELD_UP = (
    ("Claim", "claim", "dynamodb:PutItem"),
    ("Settle", "settle", "s3:ListObjectsV2"),
    ("Prepare", "prepare", "s3:PutObject"),
    ("Screen", "screen", "s3:PutObject"),
    ("Train", "states", "sagemaker:CreateTrainingJob"),
    ("Evaluate", "evaluate", "s3:PutObject"),
    ("Redeploy", "redeploy", "sagemaker:UpdateEndpoint"),
    ("Await", "states", "sagemaker:DescribeEndpoint"),
    ("Verify", "verify", "sagemaker:InvokeEndpoint"),
    ("Promote", "promote", "dynamodb:TransactWriteItems"),
    ("Reject", "reject", "dynamodb:PutItem"),
    ("Announce", "announce", "events:PutEvents"),
    ("Release", "release", "dynamodb:DeleteItem"),
)


def aborted() -> list[Case]:
    """A person who stops the execution, in every state. What its function has begun, it still does, afterwards."""
    return [
        Case(
            f"aborted-in-{state.lower()}",
            f"a person stops the execution in {state}; its {operation} comes through 2 s later",
            on(caller, operation, "", do="hold", seconds=2),
            train="hostile-backwards" if state == "Reject" else "copy",
            act="abort",
            verdict="reject" if state == "Reject" else "promote",
            failures=1,
            words="was stopped",
            quick=state in ("Prepare", "Verify"),
        )
        for state, caller, operation in HELD_UP
    ] + [
        Case(
            "aborted-while-training", "a person stops the execution while its job trains",
            train="hang", training=1, act="abort training", failures=1, words="was stopped",
        ),
        Case(
            "aborted-and-late", "the update of an aborted execution comes through when all has been made good",
            on("redeploy", "sagemaker:UpdateEndpoint", "", do="delay", seconds=9),
            act="abort", failures=1, words="was stopped",
        ),
    ]  # fmt: skip


def reconciling() -> list[Case]:
    """Reconcile itself in trouble, while it makes good a training that failed once."""
    what: dict[str, Any] = {"train": "fail", "training": 1, "failures": 1, "words": "loss is NaN"}
    effects = (
        ("dynamodb:UpdateItem", ""), ("dynamodb:PutItem", '"claim"'), ("states:StartExecution", ""),
        ("sns:Publish", ""), ("dynamodb:PutItem", _MARKER),
    )  # fmt: skip
    return [
        Case(
            slug("reconcile-killed", when, operation.split(":")[1], match),
            f"Reconcile is killed {when} {operation}{f' of {match}' if match else ''}",
            on("reconcile", operation, match, do=f"kill-{when}"),
            told_twice=(match or operation, when) in (("sns:Publish", "after"), (_MARKER, "before")),
            **what,
        )
        for operation, match in effects
        for when in ("before", "after")
    ]


def updated() -> list[Case]:
    """An update that SageMaker refuses, forgets, or never finishes."""
    update = {"operation": "sagemaker:UpdateEndpoint", "caller": "redeploy"}
    late = {"do": "error", "times": 2, "code": "ValidationException"}
    return [
        Case(
            "update-forgotten", "an update is accepted, and the old config stays live without a reason",
            ({**update, "do": "answer", "body": '{"EndpointArn": "arn:aws:sagemaker:…:endpoint/x"}'},),
            verdict="gave-up", failures=1, words="is live instead of", quick=True,
        ),
        Case(
            "update-stuck", "the endpoint is Updating for longer than Await waits",
            ({**machine("sagemaker:DescribeEndpoint"), "do": "answer", "times": 66,
              "body": '{"EndpointStatus": "Updating"}'},),
            verdict="gave-up", failures=1, words="still Updating",
        ),
        *(
            Case(
                f"eventual-{slug(operation.split(':')[1])}", f"what was just created is not found: {operation}",
                ({"caller": "redeploy", "operation": operation, **late, "message": message},), first=first,
            )
            for operation, message, first in (
                ("sagemaker:CreateEndpointConfig", 'Could not find model "arn:aws:sagemaker:…".', False),
                ("sagemaker:UpdateEndpoint", 'Could not find endpoint configuration "arn:aws:sagemaker:…".', False),
                ("sagemaker:CreateEndpoint", 'Could not find endpoint configuration "arn:aws:sagemaker:…".', True),
            )
        ),
        Case(
            "update-in-progress", "UpdateEndpoint is refused while the endpoint is SystemUpdating",
            ({**update, **late, "message": "Cannot update in-progress endpoint"},),
        ),
    ]  # fmt: skip


def limited() -> list[Case]:
    """The account's quota of serverless concurrency: it passes, or it stays and the sweep tries again."""
    said: dict[str, Any] = {
        "do": "error", "code": "ResourceLimitExceeded",
        "message": "The account-level service limit 'Maximum total concurrency that can be allocated across all "
        "serverless endpoints' is 10, with current utilization of 8 and a request delta of 4.",
    }  # fmt: skip
    words = "(?s)L-96300102.*the next sweep"
    return [
        Case(
            "quota-passes", "UpdateEndpoint is refused twice: the account's concurrency is used up",
            on("redeploy", "sagemaker:UpdateEndpoint", "", times=2, **said), quick=True,
        ),
        Case(
            "quota-stays", "UpdateEndpoint is refused until the sweep: the account's concurrency is used up",
            on("redeploy", "sagemaker:UpdateEndpoint", "", times=0, **said), failures=1, words=words,
        ),
        Case(
            "quota-stays-first", "no endpoint can be created until the sweep: the account's concurrency is used up",
            on("redeploy", "sagemaker:CreateEndpoint", "", times=0, **said), first=True, failures=1, words=words,
        ),
    ]  # fmt: skip


def served() -> list[Case]:
    """A candidate's container that does not do what the predictor did."""
    rolled_back: dict[str, Any] = {"verdict": "gave-up", "failures": 1}
    return [
        *(
            Case(
                f"container-{kind}", f"the candidate's container {what}",
                serve=kind, words=words, quick=kind in ("wrong", "exit"), **rolled_back,
            )
            for kind, what, words in (
                ("exit", "exits at once", "ping"),
                ("ping-fails", "answers /ping with 500", "ping"),
                ("ping-hangs", "never answers /ping", "ping"),
                ("wrong", "gives each text the other label", "golden rows differ"),
                ("unsure", "gives the right labels with other scores", "golden rows differ"),
                ("too-few", "gives fewer answers than it was asked", "answers to"),
                ("garbage", "answers with a web page", "golden rows"),
                ("answers-500", "answers every request with 500", "not answered"),
                ("crashes-on-the-third", "crashes on its third request", "not answered"),
            )
        ),
        Case("container-slow", "the candidate's container is slow: 0.4 s for each request", serve="slow"),
        *(
            Case(
                f"first-container-{kind}", f"the very first model's container {what}",
                serve=kind, first=True, words="the endpoint was removed", **rolled_back,
            )
            for kind, what in (("exit", "exits at once"), ("wrong", "gives wrong answers"))
        ),
    ]  # fmt: skip


def trained() -> list[Case]:
    """A training job that fails, is stopped, hangs, or is interrupted."""
    capacity = {
        "do": "answer", **machine("sagemaker:CreateTrainingJob"), "times": 1,
        "body": '{"TrainingJobName": "none", "TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"}',
    }  # fmt: skip
    no_capacity = {
        **machine("sagemaker:CreateTrainingJob"), "do": "error", "code": "States.TaskFailed",
        "message": '{"FailureReason": "CapacityError: Unable to provision requested ML compute capacity."}',
    }  # fmt: skip
    nowhere = {**no_capacity, "times": 0}
    return [
        Case("training-fails-once", "training fails, once", train="fail", training=1, failures=1, words="loss is NaN"),
        Case(
            "training-fails", "training fails, always",
            train="fail", verdict="gave-up", failures=2, words="not tried again", quick=True,
        ),
        Case(
            "training-stopped", "somebody stops the training job",
            train="hang", training=1, act="stop job", failures=1, words="failed",
        ),
        Case(
            "training-hangs", "training hangs until its time is over",
            train="hang", training=1, failures=1, words="MaxRuntimeExceeded",
        ),
        *(
            Case(
                f"training-interrupted-{times}", f"the Spot instance is taken away, {times} times",
                train="interrupt", training=times, act=f"interrupt {times}", quick=times == 1,
            )
            for times in range(1, 6)
        ),
        Case("no-spot-stopped", "no Spot capacity: the job ends Stopped, MaxWaitTimeExceeded", (capacity,)),
        Case("no-spot-failed", "no Spot capacity: the job ends Failed, CapacityError", (no_capacity,)),
        Case(
            "no-capacity", "no capacity at all, neither Spot nor on demand", (nowhere,),
            verdict="gave-up", failures=2, words="CapacityError",
        ),
    ]  # fmt: skip


def stored() -> list[Case]:
    """An artifact that nobody should load."""
    return [
        Case(
            f"artifact-{kind}", f"the model's tarball {what}",
            train=f"hostile-{kind}", verdict="gave-up", failures=2, words=words, quick=kind == "symlink",
        )
        for kind, what, words in (
            ("missing", "is not there", "cannot be loaded"),
            ("truncated", "ends in the middle", "damaged"),
            ("not-a-tarball", "is an error page", "damaged"),
            ("traversal", "wants to write outside its directory", "points outside"),
            ("symlink", "holds a symlink", "is a link"),
            ("sparse", "holds a sparse file of 10 GB", "sparse"),
            ("checksum", "has a model of another checksum", "checksum"),
            ("onnx", "has a model that does not load", "cannot be loaded"),
            ("tokenizer", "has a tokenizer that makes its library panic", r"tokenizer\.json cannot be loaded"),
            ("extra", "has a file that its manifest does not list", r"is not listed in manifest\.json"),
            ("another-run", "says that it is another run's", "its manifest says run seed"),
        )
    ]  # fmt: skip


CASES: tuple[Case, ...] = (
    *aborted(),
    *reconciling(),
    *updated(),
    *limited(),
    *denied(),
    *conflicting(),
    *served(),
    *trained(),
    *asked_by_the_machine(),
    *twice(),
    *stored(),
    *slow(),
    *refused(),
    *lost(),
    *killed(),
    *ordered(),
)
