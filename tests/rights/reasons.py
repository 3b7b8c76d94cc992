"""Rights that the played story does not use, each with the reason why it is granted all the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tests.rights.usage import Right


@dataclass(frozen=True)
class Reason:
    """`role` and `resource` are patterns with `*`; `facts` are kinds of the ledger's facts, () for any."""

    why: str
    role: str
    actions: tuple[str, ...]
    resource: str = "*"
    facts: tuple[str, ...] = ()

    def covers(self, right: Right) -> bool:
        """Whether it is the reason of a right."""
        return (
            fnmatchcase(right.role, self.role)
            and right.action in self.actions
            and fnmatchcase(right.resource, self.resource)
            and (not self.facts or right.facts in self.facts)
        )


_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
)
_INVOKE = ("lambda:InvokeFunction",)
_HOSTING = (
    "sagemaker:CreateEndpoint",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateModel",
    "sagemaker:UpdateEndpoint",
)
_DELIVERY = tuple(
    f"logs:{name}"
    for name in (
        "CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies", "GetLogDelivery",
        "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery",
    )
)  # fmt: skip

# What a service does in a role's name and the local cloud does itself; what only AWS asks; what happens seldom.
REASONS: Final[tuple[Reason, ...]] = (
    # ---- the services ask in the role's name -----------------------------------------------
    Reason("Lambda writes a function's log in its role's name; the local cloud writes it itself", "Functions*", _LOG),
    Reason("the same, of CDK's provider framework", "EndpointProvider*", _LOG),
    Reason(
        "Lambda puts an event that failed for good with the dead letters in its function's name; here the cloud does",
        "Functions*",
        ("sqs:SendMessage",),
    ),
    Reason(
        "EventBridge starts the machine in this role's name; the local cloud starts it itself",
        "PipelineMachineEventsRole",
        ("states:StartExecution",),
    ),
    Reason(
        "Step Functions sets up the delivery of its log in the machine's name; the local cloud delivers none",
        "PipelineMachineRole",
        _DELIVERY,
    ),
    Reason("the image is pulled in this role's name; no image is pulled here", "TrainingRole", _PULL),
    Reason("the image is pulled in this role's name; no image is pulled here", "EndpointRole", _PULL),
    Reason(
        "SageMaker writes a container's log and metrics in this role's name; a server here has neither",
        "EndpointRole",
        ("cloudwatch:PutMetricData", "logs:DescribeLogStreams", *_LOG),
    ),
    Reason(
        "SageMaker looks for the stream that it writes to; the local cloud knows it",
        "TrainingRole",
        ("logs:DescribeLogStreams",),
    ),
    Reason(
        "Step Functions' guide has it for a job that is waited for (connect-sagemaker)",
        "PipelineMachineRole",
        ("sagemaker:ListTags",),
    ),
    # ---- CDK grants it so ------------------------------------------------------------------
    Reason("CDK grants a function's versions along with it", "PipelineMachineRole", _INVOKE, "*:*:*:*:*:*:*:[*]"),
    Reason(
        "CDK's provider framework grants each of its functions both of ours, with versions, and to look at them",
        "EndpointProvider[BW]*",
        (*_INVOKE, "lambda:GetFunction"),
    ),
    Reason(
        "CDK's waiter asks its functions, and another one when time is up; it grants their versions along with them",
        "EndpointProviderwaiter*",
        _INVOKE,
    ),
    # ---- one statement for kinds that belong together ------------------------------------------
    Reason(
        "what is created or updated, and what it refers to, are one statement: which of them AWS asks about has not "
        "been seen (all of their names are the project's own)",
        "FunctionsRedeployRole",
        _HOSTING,
    ),
    Reason(
        "the same, of a version and its group",
        "FunctionsEvaluateRole",
        (
            "sagemaker:AddTags",
            "sagemaker:CreateModelPackage",
            "sagemaker:CreateModelPackageGroup",
            "sagemaker:DescribeModelPackageGroup",
        ),
    ),
    # ---- S3 ----------------------------------------------------------------------------------
    Reason(
        "without it S3 says 403 instead of 404 of an object that is not there; the local cloud says 404 in any case",
        "Functions*",
        ("s3:ListBucket",),
    ),
    Reason(
        "an upload in several parts that fails is given up; no file here is so large",
        "*",
        ("s3:AbortMultipartUpload",),
    ),
    Reason(
        "a job goes on from its checkpoint after an interruption (tests/e2e/test_faults.py)",
        "TrainingRole",
        ("s3:GetObject",),
        "*/checkpoints/*",
    ),
    # ---- what happens seldom ---------------------------------------------------------------------
    Reason(
        "a champion of a release that sealed nothing is adopted once (tests/lambdas/steps/test_adopt.py); here is none",
        "FunctionsAdoptRole",
        ("dynamodb:GetItem", "dynamodb:PutItem", "s3:GetObject", "s3:PutObject"),
    ),
    Reason("the same", "PipelineMachineRole", ("lambda:InvokeFunction",), "*-adopt"),
    Reason(
        "the same: who asks for the archive of such a champion",
        "Functions[ERS]*",
        ("dynamodb:GetItem",),
        facts=("adoption",),
    ),
    Reason(
        "the event of an execution, or the call of a step, came twice, and another one is at it (tests/lambdas)",
        "Functions[AR]*",
        ("dynamodb:GetItem",),
        facts=("marker",),
    ),
    Reason(
        "a file that could not be read is looked at again (tests/lambdas/test_held.py, test_unusable_files.py)",
        "FunctionsPrepareRole",
        ("dynamodb:DeleteItem",),
        facts=("arrival", "held"),
    ),
    Reason(
        "a job that nobody waits for any more: its execution died, or the answer to CreateTrainingJob was lost. Here "
        "Step Functions stopped it with its execution",
        "Functions*",
        ("sagemaker:StopTrainingJob",),
    ),
    Reason(
        "an approved run failed for good, or was rejected on its way (tests/lambdas/events/test_reconcile.py)",
        "FunctionsReconcileRole",
        ("dynamodb:DeleteItem",),
        facts=("approval",),
    ),
    Reason(
        "an order that its execution did not come to begin, or that failed when its model was live "
        "(tests/lambdas/steps/test_ordered.py, tests/lambdas/events/test_reconcile.py)",
        "FunctionsRe[cl]*",
        ("dynamodb:DeleteItem", "dynamodb:GetItem"),
        facts=("order",),
    ),
    Reason(
        "convergence failed three times in a row: nobody may hold the claim then",
        "FunctionsReconcileRole",
        ("dynamodb:DeleteItem",),
        facts=("claim",),
    ),
    Reason(
        "what was approved while another run had the claim is found when it is free "
        "(tests/lambdas/events/test_approve.py)",
        "FunctionsRe[cl]*",
        ("dynamodb:GetItem",),
        facts=("approval", "judgement", "run"),
    ),
    Reason(
        "no model is promoted, or the endpoint has failed, which allows nothing else "
        "(tests/lambdas/steps/test_redeploy.py)",
        "FunctionsRedeployRole",
        ("sagemaker:DeleteEndpoint",),
        "*:endpoint/*",
    ),
    Reason(
        "a rehearsal that was still changing when it should have ended",
        "Functions[DR]*",
        ("sagemaker:DeleteEndpoint",),
        "*-rehearsal",
    ),
    Reason(
        "an archive is pruned an hour after it was written, at the earliest (tests/lambdas/steps/test_release.py)",
        "FunctionsReleaseRole",
        ("s3:DeleteObject",),
        "*/released/*",
    ),
)


def without_reason(unused: Iterable[Right]) -> list[Right]:
    """The rights that nobody uses and that no reason is given for."""
    return sorted(right for right in unused if not any(reason.covers(right) for reason in REASONS))


def stale(unused: Iterable[Right]) -> list[str]:
    """What has a reason without need: an action, or a kind of facts, of a reason that no unused right has."""
    rights, found = list(unused), []
    for reason in REASONS:
        covered = [right for right in rights if reason.covers(right)]
        idle = (
            {*reason.actions, *reason.facts} - {right.action for right in covered} - {right.facts for right in covered}
        )
        found += [f"{reason.role}: {name}: {reason.why}" for name in sorted(idle)]
    return found
