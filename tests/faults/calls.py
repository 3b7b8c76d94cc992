"""Rows of the matrix in which a call goes wrong: it fails, is lost, comes twice or late, or its function is killed."""

from __future__ import annotations

from tests.faults.case import Case
from tests.faults.rules import Rule, machine, on, slug

LOST = {"do": "lose", "status": 500, "code": "InternalServerError", "message": "We encountered an internal error."}
# Longer than a function waits for an answer, and so short that what comes late comes within the case.
_SILENCE = 13
# What each step changes in the world, in the order in which it does so: (step, operation, a part of the call).
SIDE_EFFECTS = (
    ("claim", "dynamodb:PutItem", ""),
    ("prepare", "s3:PutObject", "parts/reports/"),
    ("prepare", "dynamodb:TransactWriteItems", '"run"'),
    ("screen", "s3:PutObject", "screen.json"),
    ("evaluate", "s3:PutObject", "released/"),
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


def killed() -> list[Case]:
    """A function killed before and after each of its side effects."""
    return [
        Case(
            slug("killed", when, step, operation.split(":")[1], match),
            f"{step} is killed {when} {operation}{f' of {match}' if match else ''}",
            on(step, operation, match, do=f"kill-{when}"),
            told_twice=when == "after" and operation == "sns:Publish",
        )
        for step, operation, match in SIDE_EFFECTS
        for when in ("before", "after")
    ]


def lost() -> list[Case]:
    """An answer that is lost: the call was carried out, and whoever asked is told that it was not."""
    return [
        Case(
            slug("lost", step, operation.split(":")[1], match),
            f"the answer to {step}'s {operation}{f' of {match}' if match else ''} is lost",
            on(step, operation, match, **LOST),
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
            slug("trouble", step, operation.strip(":*")),
            f"{step} is answered {code} by {operation}",
            on(step, operation, "", do="error", status=500 if code.startswith("Internal") else 400, times=8, code=code),
        )
        for step, operation, code in services
    ]
    # boto3 does not know this one of SNS's for throttling, so it takes the machine's own retries and then Reconcile.
    throttled = on("announce", "sns:Publish", "", do="error", status=429, times=8, code="Throttled")
    not_announced = Case(
        "trouble-announce-sns-publish", "Announce is answered Throttled by sns:Publish", throttled,
        words="(?s)could not tell how it ended.*Promoted: ", failures=1,
    )  # fmt: skip
    # A model that cannot be fetched for a moment is not a bad model.
    busy = on("evaluate", "s3:GetObject", "model.tar.gz", do="error", status=503, times=8, code="SlowDown")
    fetched = Case("trouble-evaluate-s3-getobject", "Evaluate is answered SlowDown by s3:GetObject of a model", busy)
    # These two boto3 does not try again: the one is the machine's to repeat, the other Verify's to wait for.
    broken_off = on(
        "verify", "sagemaker:InvokeEndpoint", "", do="error", status=530, times=3, code="InternalDependencyException"
    )
    dependency = Case(
        "trouble-verify-dependency", "Verify is answered InternalDependencyException by the endpoint", broken_off
    )
    empty = on("verify", "sagemaker:InvokeEndpoint", "", do="error", status=429, times=8, code="ModelNotReadyException")
    not_ready = Case(
        "trouble-verify-not-ready", "the endpoint's container is being provisioned for some seconds yet", empty
    )
    return [*cases, fetched, not_announced, dependency, not_ready]


def denied() -> list[Case]:
    """Permissions of a role that was made a moment ago, and one that the registry's role lacks for good."""
    no = {"do": "error", "code": "AccessDeniedException", "message": "User is not authorized to perform this action"}
    steps = (("claim", "dynamodb:*"), ("prepare", "s3:*"), ("redeploy", "sagemaker:*"), ("promote", "dynamodb:*"))
    invoked = {"do": "error", "times": 8, "code": "Lambda.AWSLambdaException", "message": "User is not authorized"}
    role = {
        "do": "error", "times": 5, "code": "SageMaker.AmazonSageMakerException",
        "message": "Could not assume role arn:aws:iam::…:role/training. (Error Code: ValidationException)",
    }  # fmt: skip
    assume = {**no, "times": 8, "code": "ValidationException", "message": "Could not assume role arn:aws:iam::…"}
    return [
        *(
            Case(
                f"denied-{step}", f"{step}'s new role may not call {operation} yet",
                on(step, operation, "", **no, times=8),
            )
            for step, operation in steps
        ),
        Case(
            "denied-lambda", "the machine's new role may not call a function yet",
            ({**machine("lambda:*"), **invoked},),
        ),
        Case(
            "denied-training", "SageMaker cannot assume the job's new role yet",
            ({**machine("sagemaker:CreateTrainingJob"), **role},),
        ),
        Case(
            "denied-model", "SageMaker cannot assume the endpoint's new role yet",
            on("redeploy", "sagemaker:CreateModel", "", **assume),
        ),
        Case(
            "denied-registry", "the registry refuses every version",
            on("evaluate", "sagemaker:CreateModelPackage", "", **no, times=0),
            words="The model registry did not take its version: .*not authorized",
        ),
    ]  # fmt: skip


def twice() -> list[Case]:
    """The same twice: requests that a network repeats, steps and events that are delivered at least once."""
    steps = ("claim", "prepare", "evaluate", "redeploy", "verify", "promote", "release")
    doubled = [
        Case(
            f"twice-{step}",
            f"Step Functions invokes {step} twice",
            ({**machine(f"lambda:{step}"), "do": "twice"},),
        )
        for step in steps
    ]
    events: tuple[Rule, ...] = ({"caller": "events", "do": "twice", "times": 0},)
    failing = Case(
        "twice-events-of-a-failure", "every event comes twice, and training fails", events,
        train="fail", verdict="gave-up", failures=2, words="the loss is NaN",
    )  # fmt: skip
    return [*doubled, Case("twice-events", "every event comes twice", events), failing]


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
            Case(f"lambda-trouble-{step}", f"Lambda cannot run {step}", ({**machine(f"lambda:{step}"), **what},))
            for step, what in (("claim", lambda_trouble), ("evaluate", busy), ("release", lambda_trouble))
        ),
        *(
            Case(f"timeout-{step}", f"{step} ran, but its state timed out", ({**machine(f"lambda:{step}"), **timeout},))
            for step in ("prepare", "redeploy", "promote")
        ),
        Case(
            "throttled-create-training-job", "CreateTrainingJob is throttled twice",
            ({**machine("sagemaker:CreateTrainingJob"), **trouble},),
        ),
        Case(
            "lost-create-training-job", "the answer to CreateTrainingJob is lost: the job runs, and another is made",
            ({**machine("sagemaker:CreateTrainingJob"), **lost_job},),
        ),
        Case(
            "no-quota", "the account's Spot quota is 0", ({**machine("sagemaker:CreateTrainingJob"), **no_quota},),
            verdict="gave-up", failures=1, words="ml.g4dn.xlarge for spot training job usage",
        ),
        Case(
            "throttled-describe-endpoint", "DescribeEndpoint is throttled while the endpoint changes",
            ({**machine("sagemaker:DescribeEndpoint"), **blind},),
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
    shifts = ({"caller": "settle", "operation": "s3:ListObjectsV2"}, machine("lambda:settle"))
    return [
        Case(
            "conflict-promote", "Promote's transaction meets another, again and again",
            on("promote", "dynamodb:TransactWriteItems", "", **cancelled),
        ),
        Case("conflict-claim", "Claim's write meets another", on("claim", "dynamodb:PutItem", "", **conflict)),
        *(
            Case(
                f"clock-{name}", f"Settle's clock is an hour {name}",
                tuple({**rule, "do": "shift", "times": 0, "seconds": seconds} for rule in shifts),
            )
            for name, seconds in (("slow", hour), ("fast", -hour))
        ),
        Case(
            "event-lost", "the event of the drop never comes: the sweep finds the file",
            ({"caller": "events", "operation": "states:start", "do": "skip", "times": 0},), quick=True,
        ),
    ]  # fmt: skip


def slow() -> list[Case]:
    """A service that is silent until its client has asked again; what it was asked first comes through late."""
    return [
        Case(
            slug("silent", step, operation.split(":")[1]),
            f"{operation} does not answer {step} for {_SILENCE} s, and comes through then",
            on(step, operation, "", do="delay", seconds=_SILENCE),
        )
        for step, operation in (("claim", "dynamodb:PutItem"), ("prepare", "s3:GetObject"))
    ]  # fmt: skip
