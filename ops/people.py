"""`mlops policy`: what a person, or a pipeline of yours, may do with a project, as IAM policies.

They are printed, not deployed: whoever has an account has users, groups or permission sets already, and attaches there
what it needs; a project leaves nothing in IAM that nobody uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from domain import layout
from ledger import keys
from ops.errors import Unusable
from ops.subscription import topic_name

Statement = dict[str, Any]
_PARTITIONS: Final = "dynamodb:LeadingKeys"
# The kinds of facts that `mlops runs`, `watch` and `held` read.
_SHOWN: Final = (keys.ARRIVAL, keys.CHAMPION, keys.CLAIM, keys.HELD, keys.RUN)
_TRAINING_LOG: Final = "/aws/sagemaker/TrainingJobs"
_CDK_ROLES: Final = ("deploy", "file-publishing", "image-publishing", "lookup")


@dataclass(frozen=True)
class Place:
    """A project in an account and region of a partition ("aws")."""

    project: str
    account: str
    region: str
    partition: str = "aws"

    @property
    def bucket(self) -> str:
        """ARN of the data bucket."""
        return f"arn:{self.partition}:s3:::{layout.bucket(self.project, self.account, self.region)}"

    @property
    def ledger(self) -> str:
        """ARN of the ledger."""
        return self.arn("dynamodb", f"table/{layout.ledger(self.project)}")

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of the account in the region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Role:
    """One kind of person: what it is there for, and what it may do."""

    purpose: str
    statements: Callable[[Place], list[Statement]]


def policy(name: str, place: Place) -> dict[str, Any]:
    """The IAM policy document of a role of `ROLES`. Raises Unusable for another name."""
    if name not in ROLES:
        raise Unusable(f"there is no role {name!r}, but these: {', '.join(ROLES)}")
    return {"Version": "2012-10-17", "Statement": ROLES[name].statements(place)}


def _dropper(at: Place) -> list[Statement]:
    return [_found(at), _allow(["s3:AbortMultipartUpload", "s3:PutObject"], [f"{at.bucket}/{layout.LANDING}*"])]


def _reader(at: Place) -> list[Statement]:
    runs = layout.of_any_run(at.project)
    machine = at.arn("states", f"stateMachine:{layout.state_machine(at.project)}")
    endpoint = at.arn("sagemaker", f"endpoint/{layout.endpoint(at.project)}")
    return [
        _found(at),
        _facts(at, ["dynamodb:GetItem", "dynamodb:Query"], _SHOWN),
        _allow(["s3:GetObject"], [f"{at.bucket}/{layout.run_file('*', 'receipt.json')}"]),
        # Which files landed, not what is in them.
        _allow(
            ["s3:ListBucket"], [at.bucket], {"StringLike": {"s3:prefix": [f"{layout.LANDING}*", f"{layout.RUNS}*"]}}
        ),
        _allow(["states:ListExecutions", "states:DescribeStateMachine"], [machine]),
        _allow(["states:DescribeExecution", "states:GetExecutionHistory"], [layout.execution(machine, "*")]),
        _allow(["sagemaker:DescribeTrainingJob"], [at.arn("sagemaker", f"training-job/{runs}")]),
        _allow(["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"], [endpoint]),
        _allow(
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            [at.arn("logs", f"log-group:{_TRAINING_LOG}:*")],
        ),
        _allow(["sns:ListSubscriptionsByTopic"], [at.arn("sns", topic_name(at.project))]),
        _allow(["cloudwatch:GetDashboard"], [f"arn:{at.partition}:cloudwatch::{at.account}:dashboard/{at.project}"]),
        # AWS offers no resource level for these.
        _allow(["cloudwatch:GetMetricData", "cloudwatch:ListDashboards", "sagemaker:ListTrainingJobs"], ["*"]),
    ]


def _retrainer(at: Place) -> list[Statement]:
    machine = at.arn("states", f"stateMachine:{layout.state_machine(at.project)}")
    return [
        *_reader(at),
        _facts(at, ["dynamodb:PutItem"], [keys.REQUEST]),
        _allow(["states:StartExecution"], [machine]),
    ]


def _approver(at: Place) -> list[Statement]:
    group = layout.package_group(at.project)
    return [
        *_reader(at),
        _facts(at, ["dynamodb:GetItem"], [keys.JUDGEMENT]),
        _allow(
            ["sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"],
            [at.arn("sagemaker", f"model-package/{group}/*")],
        ),
        _allow(["sagemaker:DescribeModelPackageGroup"], [at.arn("sagemaker", f"model-package-group/{group}")]),
        # AWS offers no resource level for it.
        _allow(["sagemaker:ListModelPackages"], ["*"]),
    ]


def _operator(at: Place) -> list[Statement]:
    machine = at.arn("states", f"stateMachine:{layout.state_machine(at.project)}")
    return [
        *_reader(at),
        _facts(at, ["dynamodb:GetItem"], [keys.JUDGEMENT]),
        _facts(at, ["dynamodb:PutItem", "dynamodb:Query"], [keys.ORDER]),
        _allow(["states:StartExecution"], [machine]),
    ]


def _curator(at: Place) -> list[Statement]:
    return [
        *_retrainer(at),
        _facts(at, ["dynamodb:PutItem"], [keys.VOUCHED]),
        _facts(at, ["dynamodb:DeleteItem"], [keys.ARRIVAL, keys.HELD]),
        _allow(["s3:DeleteObject"], [f"{at.bucket}/{layout.LANDING}*"]),
    ]


def _deployer(at: Place) -> list[Statement]:
    roles = [
        f"arn:{at.partition}:iam::{at.account}:role/cdk-hnb659fds-{role}-role-{at.account}-{at.region}"
        for role in _CDK_ROLES
    ]
    return [_allow(["sts:AssumeRole"], roles)]


ROLES: Final[dict[str, Role]] = {
    "dropper": Role("puts files into landing, and sees nothing: `mlops drop`", _dropper),
    "reader": Role("sees runs, receipts, the dashboard, and asks the live model; no row of data", _reader),
    "retrainer": Role("a reader who asks for runs: `mlops retrain`", _retrainer),
    "approver": Role("a reader who decides, with `gate.approval: manual`, what goes live: `mlops approve`", _approver),
    "operator": Role(
        "a reader who goes back, or lets a model past the gate: `mlops rollback`, `mlops promote`", _operator
    ),
    "curator": Role("a retrainer who decides about data: `mlops release`, `mlops withdraw`", _curator),
    "deployer": Role("deploys and destroys by the roles that `cdk bootstrap` made, and does nothing itself", _deployer),
}


def _found(at: Place) -> Statement:
    """What each command asks first: whether the project is there."""
    return _allow(["dynamodb:DescribeTable"], [at.ledger])


def _facts(at: Place, actions: list[str], kinds: Iterable[str]) -> Statement:
    """On facts of these kinds alone: as for functions (`stacks/access.py`), a call must name which."""
    only = {"ForAllValues:StringEquals": {_PARTITIONS: list(kinds)}, "Null": {_PARTITIONS: "false"}}
    return _allow(actions, [at.ledger], only)


def _allow(actions: list[str], resources: list[str], condition: dict[str, Any] | None = None) -> Statement:
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement
