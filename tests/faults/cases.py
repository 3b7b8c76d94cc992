"""The matrix: one row per fault. Rows that look alike are made by the small functions above them."""

from __future__ import annotations

import re
from typing import Any

from tests.faults.case import Case

Rule = dict[str, Any]
LOST = {"do": "lose", "status": 500, "code": "InternalServerError", "message": "We encountered an internal error."}
# Longer than a function waits for an answer, and so short that what comes late comes within the case.
_SILENCE = 13
# The fact by which Reconcile remembers that a person was told.
_MARKER = '"marker"'
# What each step changes in the world, in the order in which it does so: (step, operation, a part of the call).
SIDE_EFFECTS = (
    ("claim", "dynamodb:PutItem", ""),
    ("prepare", "s3:PutObject", "parts/reports/"),
    ("prepare", "dynamodb:TransactWriteItems", '"run"'),
    ("screen", "s3:PutObject", "screen.json"),
    ("evaluate", "s3:PutObject", "predictions"),
    ("evaluate", "sagemaker:CreateModelPackage", ""),
    ("evaluate", "dynamodb:TransactWriteItems", ""),
    ("redeploy", "sagemaker:CreateModel", ""),
    ("redeploy", "sagemaker:CreateEndpointConfig", ""),
    ("redeploy", "sagemaker:UpdateEndpoint", ""),
    ("promote", "dynamodb:TransactWriteItems", ""),
    ("promote", "dynamodb:PutItem", '"dataset"'),
    ("announce", "events:PutEvents", ""),
    ("announce", "sns:Publish", ""),
    ("release", "dynamodb:DeleteItem", ""),
)


def _slug(*words: str) -> str:
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-").lower() for word in words if word)


def _on(step: str, operation: str, match: str, **what: Any) -> tuple[Rule]:
    return ({"caller": step, "operation": operation, "match": match, **what},)


def killed() -> list[Case]:
    """A function killed before and after each of its side effects."""
    return [
        Case(
            _slug("killed", when, step, operation.split(":")[1], match),
            f"{step} is killed {when} {operation}{f' of {match}' if match else ''}",
            _on(step, operation, match, do=f"kill-{when}"),
            told_twice=when == "after" and operation == "sns:Publish",
        )
        for step, operation, match in SIDE_EFFECTS
        for when in ("before", "after")
    ]


def lost() -> list[Case]:
    """An answer that is lost: the call was carried out, and whoever asked is told that it was not."""
    return [
        Case(
            _slug("lost", step, operation.split(":")[1], match),
            f"the answer to {step}'s {operation}{f' of {match}' if match else ''} is lost",
            _on(step, operation, match, **LOST),
            told_twice=operation == "sns:Publish",
        )
        for step, operation, match in SIDE_EFFECTS
        if operation.startswith("sagemaker:Update") or operation in ("sns:Publish", "dynamodb:TransactWriteItems")
    ]


def refused() -> list[Case]:
    """A service in trouble for longer than its client is patient: 8 calls in a row, of which boto3 makes 5 at once."""
    services = (
        ("claim", "dynamodb:*", "ThrottlingException"),
        ("settle", "s3:ListObjectsV2", "SlowDown"),
        ("prepare", "s3:PutObject", "SlowDown"),
        ("evaluate", "sagemaker:*", "ThrottlingException"),
        ("redeploy", "sagemaker:*", "ThrottlingException"),
        ("verify", "sagemaker:InvokeEndpoint", "InternalFailure"),
        ("promote", "dynamodb:*", "InternalServerError"),
    )
    cases = [
        Case(
            _slug("trouble", step, operation.strip(":*")),
            f"{step} is answered {code} by {operation}",
            _on(
                step, operation, "", do="error", status=500 if code.startswith("Internal") else 400, times=8, code=code
            ),
        )
        for step, operation, code in services
    ]
    # boto3 does not know this one of SNS's for throttling, so it takes the machine's own retries and then Reconcile.
    throttled = _on("announce", "sns:Publish", "", do="error", status=429, times=8, code="Throttled")
    untold = Case(
        "trouble-announce-sns-publish", "Announce is answered Throttled by sns:Publish", throttled,
        words="(?s)could not tell how it ended.*Promoted: ", failures=1,
    )  # fmt: skip
    # A model that cannot be fetched for a moment is not a bad model.
    busy = _on("evaluate", "s3:GetObject", "model.tar.gz", do="error", status=503, times=8, code="SlowDown")
    fetched = Case("trouble-evaluate-s3-getobject", "Evaluate is answered SlowDown by s3:GetObject of a model", busy)
    # These two boto3 does not try again: the one is the machine's to repeat, the other Verify's to wait for.
    broken_off = _on(
        "verify", "sagemaker:InvokeEndpoint", "", do="error", status=530, times=3, code="InternalDependencyException"
    )
    dependency = Case(
        "trouble-verify-dependency", "Verify is answered InternalDependencyException by the endpoint", broken_off
    )
    empty = _on(
        "verify", "sagemaker:InvokeEndpoint", "", do="error", status=429, times=8, code="ModelNotReadyException"
    )
    not_ready = Case(
        "trouble-verify-not-ready", "the endpoint's container is being provisioned for some seconds yet", empty
    )
    return [*cases, fetched, untold, dependency, not_ready]


def twice() -> list[Case]:
    """The same twice: requests that a network repeats, steps and events that are delivered at least once."""
    steps = ("claim", "prepare", "evaluate", "redeploy", "verify", "promote", "release")
    doubled = [
        Case(f"twice-{step}", f"Step Functions invokes {step} twice", ({**_state(f"lambda:{step}"), "do": "twice"},))
        for step in steps
    ]
    events: tuple[Rule, ...] = ({"caller": "events", "do": "twice", "times": 0},)
    failing = Case(
        "twice-events-of-a-failure", "every event comes twice, and training fails", events,
        train="fail", verdict="gave-up", failures=2, words="the loss is NaN",
    )  # fmt: skip
    return [*doubled, Case("twice-events", "every event comes twice", events), failing]


def _state(operation: str) -> Rule:
    return {"caller": "states", "operation": operation}


def asked_by_the_machine() -> list[Case]:
    """What Step Functions itself asks of Lambda and SageMaker."""
    lambda_trouble = {"do": "error", "times": 2, "code": "Lambda.ServiceException"}
    busy = {**lambda_trouble, "times": 3, "code": "Lambda.TooManyRequestsException"}
    timeout = {"do": "lose", "code": "States.Timeout", "message": "The state timed out"}
    trouble = {"do": "error", "times": 2, "code": "SageMaker.AmazonSageMakerException"}
    no_quota = {
        "do": "error", "times": 0, "code": "SageMaker.ResourceLimitExceededException",
        "message": "The account-level service limit 'ml.g4dn.xlarge for spot training job usage' is 0 Instances, with "
        "current utilization of 0 Instances and a request delta of 1 Instances. (Service: AmazonSageMaker)",
    }  # fmt: skip
    lost_job = {"do": "lose", "code": "SageMaker.AmazonSageMakerException", "message": "Internal failure"}
    blind = {"do": "error", "times": 4, "code": "SageMaker.SageMakerException", "message": "Rate exceeded"}
    return [
        *(
            Case(f"lambda-trouble-{step}", f"Lambda cannot run {step}", ({**_state(f"lambda:{step}"), **what},))
            for step, what in (("claim", lambda_trouble), ("evaluate", busy), ("release", lambda_trouble))
        ),
        *(
            Case(f"timeout-{step}", f"{step} ran, but its state timed out", ({**_state(f"lambda:{step}"), **timeout},))
            for step in ("prepare", "redeploy", "promote")
        ),
        Case(
            "throttled-create-training-job", "CreateTrainingJob is throttled twice",
            ({**_state("sagemaker:CreateTrainingJob"), **trouble},),
        ),
        Case(
            "lost-create-training-job", "the answer to CreateTrainingJob is lost: the job runs, and another is made",
            ({**_state("sagemaker:CreateTrainingJob"), **lost_job},),
        ),
        Case(
            "no-quota", "the account's Spot quota is 0", ({**_state("sagemaker:CreateTrainingJob"), **no_quota},),
            verdict="gave-up", failures=1, words="ml.g4dn.xlarge for spot training job usage",
        ),
        Case(
            "throttled-describe-endpoint", "DescribeEndpoint is throttled while the endpoint changes",
            ({**_state("sagemaker:DescribeEndpoint"), **blind},),
        ),
    ]  # fmt: skip


def trained() -> list[Case]:
    """A training job that fails, is stopped, hangs, or is interrupted."""
    capacity = {
        "do": "answer", **_state("sagemaker:CreateTrainingJob"), "times": 1,
        "body": '{"TrainingJobName": "none", "TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"}',
    }  # fmt: skip
    no_capacity = {
        **_state("sagemaker:CreateTrainingJob"), "do": "error", "code": "States.TaskFailed",
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
        )
    ]  # fmt: skip


def served() -> list[Case]:
    """A candidate's container that does not do what the predictor did."""
    rolled_back = {"verdict": "gave-up", "failures": 1}
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


def updated() -> list[Case]:
    """An update that SageMaker refuses, forgets, or never finishes."""
    update = {"operation": "sagemaker:UpdateEndpoint", "caller": "redeploy"}
    late = {"do": "error", "times": 2, "code": "ValidationException"}
    return [
        Case(
            "update-refused", "UpdateEndpoint is refused: the account's limit is reached",
            ({**update, "do": "error", "code": "ResourceLimitExceeded", "message": "limit of 50 endpoints"},),
            verdict="gave-up", failures=1, words="limit of 50",
        ),
        Case(
            "update-forgotten", "an update is accepted, and the old config stays live without a reason",
            ({**update, "do": "answer", "body": '{"EndpointArn": "arn:aws:sagemaker:…:endpoint/x"}'},),
            verdict="gave-up", failures=1, words="is live instead of", quick=True,
        ),
        Case(
            "update-stuck", "the endpoint is Updating for longer than Await waits",
            ({**_state("sagemaker:DescribeEndpoint"), "do": "answer", "times": 66,
              "body": '{"EndpointStatus": "Updating"}'},),
            verdict="gave-up", failures=1, words="still Updating",
        ),
        *(
            Case(
                f"eventual-{_slug(operation.split(':')[1])}", f"what was just created is not found: {operation}",
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


def conflicting() -> list[Case]:
    """Conditional writes that meet others, and clocks that disagree."""
    cancelled = {
        "do": "error", "times": 4, "code": "TransactionCanceledException", "message": "Transaction cancelled",
        "fields": {"CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}, {"Code": "None"}]},
    }  # fmt: skip
    conflict = {"do": "error", "times": 4, "code": "TransactionConflictException"}
    hour = 3600.0
    shifts = ({"caller": "settle", "operation": "s3:ListObjectsV2"}, _state("lambda:settle"))
    return [
        Case(
            "conflict-promote", "Promote's transaction meets another, again and again",
            _on("promote", "dynamodb:TransactWriteItems", "", **cancelled),
        ),
        Case("conflict-claim", "Claim's write meets another", _on("claim", "dynamodb:PutItem", "", **conflict)),
        *(
            Case(
                f"clock-{name}", f"Settle's clock is an hour {name}",
                tuple({**rule, "do": "shift", "times": 0, "seconds": seconds} for rule in shifts),
            )
            for name, seconds in (("slow", hour), ("fast", -hour))
        ),
        Case(
            "event-lost", "the event of the drop never comes: the sweep finds the file",
            ({"caller": "events", "operation": "states:start", "do": "drop", "times": 0},), quick=True,
        ),
    ]  # fmt: skip


def slow() -> list[Case]:
    """A service that is silent until its client has asked again; what it was asked first comes through late."""
    return [
        Case(
            _slug("silent", step, operation.split(":")[1]),
            f"{operation} does not answer {step} for {_SILENCE} s, and comes through then",
            _on(step, operation, "", do="delay", seconds=_SILENCE),
        )
        for step, operation in (("claim", "dynamodb:PutItem"), ("prepare", "s3:GetObject"))
    ]  # fmt: skip


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
            _on(caller, operation, "", do="delay", seconds=2),
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
            _on("redeploy", "sagemaker:UpdateEndpoint", "", do="delay", seconds=9),
            act="abort", failures=1, words="was stopped",
        ),
    ]  # fmt: skip


def reconciling() -> list[Case]:
    """Reconcile itself in trouble, while it makes good a training that failed once."""
    what = {"train": "fail", "training": 1, "failures": 1, "words": "loss is NaN"}
    effects = (
        ("dynamodb:UpdateItem", ""), ("dynamodb:PutItem", '"claim"'), ("states:StartExecution", ""),
        ("sns:Publish", ""), ("dynamodb:PutItem", _MARKER),
    )  # fmt: skip
    return [
        Case(
            _slug("reconcile-killed", when, operation.split(":")[1], match),
            f"Reconcile is killed {when} {operation}{f' of {match}' if match else ''}",
            _on("reconcile", operation, match, do=f"kill-{when}"),
            told_twice=(match or operation, when) in (("sns:Publish", "after"), (_MARKER, "before")),
            **what,
        )
        for operation, match in effects
        for when in ("before", "after")
    ]


CASES: tuple[Case, ...] = (
    *aborted(),
    *reconciling(),
    *updated(),
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
)
