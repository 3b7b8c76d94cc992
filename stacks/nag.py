"""Every finding of cdk-nag's AwsSolutions pack that we accept: where, which, and why. Any other fails the synth.

IAM5 is about wildcards, one finding for each: a role's row names the wildcards that it may have, `_why` says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aws_cdk import Acknowledgment, CfnResource, Stack, Token, Validations
from constructs import Construct

from domain import layout
from domain.settings import Settings

_PREFIX: Final = "an object prefix of the project's own bucket: the keys below it are made at run time"
_OWN_NAMES: Final = "names of this project's own resources, which are made at run time"
_NO_LEVEL: Final = "actions for which AWS offers no resource level"
_INPUTS: Final = tuple(f"datasets/e*/{kind}/" for kind in ("parts/train", "parts/validation", "parts/ids", "versions"))

# Roles and the wildcards in their policies, by short name.
_WILDCARDS: Final = {
    "Functions/Claim": ("executions",),
    "Functions/Prepare": ("landing/", "datasets/", "models/", "quarantine/", "jobs", "*"),
    "Functions/Screen": ("released/", "datasets/", "runs/"),
    "Functions/Adopt": ("models/", "released/"),
    "Functions/Evaluate": ("models/", "released/", "datasets/", "runs/", "jobs", "packages"),
    "Functions/Approve": ("packages",),
    "Functions/Reject": ("datasets/",),
    "Functions/Promote": ("packages",),
    "Functions/Redeploy": ("released/", "configs", "models", "packages"),
    "Functions/Release": ("models/", "released/", "jobs", "configs", "models", "*"),
    "Functions/Verify": ("runs/",),
    "Functions/Reconcile": ("executions", "jobs", "*"),
    "Functions/Observe": ("jobs",),
    "Functions/DeployIsComplete": ("executions", "jobs", "configs", "models", "packages", "*"),
    "Pipeline/Machine": ("jobs", "*"),
    "Training": (*_INPUTS, "checkpoints/", "models/", "training-log", "*"),
    "Endpoint": ("released/", "endpoint-log", "*"),
}
_INVOKED: Final = "CDK grants a function's versions along with it; this one has none"
_FRAMEWORK: Final = "part of CDK's custom-resource framework, which makes it so"


def acknowledge(stack: Stack, settings: Settings) -> None:
    """Acknowledge what is accepted in `stack`, made from `settings`."""
    for path, finding, reason in [*_findings(stack), *_base_model(settings.training.base_uri)]:
        rule = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
        Validations.of(_at(stack, path)).acknowledge(rule)


def _findings(stack: Stack) -> Iterator[tuple[str, str, str]]:
    """(construct path below the stack, finding, reason)."""
    yield "Data/Bucket", "S1", "access logs would cost more than the rest of the system; CloudTrail has data events"
    yield "Pipeline/Machine", "SF2", "tracing off: the execution history shows each state and its time"
    for role, wildcards in _WILDCARDS.items():
        for wildcard in wildcards:
            resource, reason = _why(stack, wildcard)
            yield f"{role}/Role", f"IAM5[Resource::{resource}]", reason
    for function in stack.node.find_child("Functions").node.children:
        name = function.node.id
        yield f"Functions/{name}/Function", "L1", "python3.13: the newest that all pinned wheels are built for"
        if not name.startswith(("Deploy", "Reconcile", "Observe", "Approve")):
            yield "Pipeline/Machine/Role", _versions_of(stack, f"Functions/{name}/Function"), _INVOKED
    yield from _framework(stack)


def _base_model(uri: str | None) -> Iterator[tuple[str, str, str]]:
    if uri:
        bucket, prefix = layout.split_uri(uri)
        reason = "the base model is the objects under the prefix that the settings name"
        yield "Training/Role", f"IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket}/{prefix}*]", reason


def _framework(stack: Stack) -> Iterator[tuple[str, str, str]]:
    provider = "Endpoint/Provider"
    for role in ("ProviderBegins", "ProviderWaits"):
        for handler in ("DeployOnEvent", "DeployIsComplete"):
            yield f"Endpoint/{role}", _versions_of(stack, f"Functions/{handler}/Function"), _INVOKED
    waiter = f"{provider}/waiter-state-machine"
    yield waiter, "SF1", f"{_FRAMEWORK}; each of its steps is in the log of the function that it calls"
    yield waiter, "SF2", f"{_FRAMEWORK}; its history shows each step and its time"
    for function in ("framework-isComplete", "framework-onTimeout"):
        yield f"{waiter}/Role", _versions_of(stack, f"{provider}/{function}"), _INVOKED


def _why(stack: Stack, wildcard: str) -> tuple[str, str]:
    """The resource that a short name of a wildcard stands for, as cdk-nag writes it, and why it is accepted."""
    project = str(stack.node.id)
    account = "<AWS::AccountId>" if Token.is_unresolved(stack.account) else stack.account

    def arn(service: str, resource: str) -> str:
        return f"arn:<AWS::Partition>:{service}:{stack.region}:{account}:{resource}"

    machine = arn("states", f"stateMachine:{layout.state_machine(project)}")
    if wildcard == "*":
        return "*", _NO_LEVEL
    if wildcard.endswith("/"):
        return f"<{_logical_id(stack, 'Data/Bucket')}.Arn>/{wildcard}*", _PREFIX
    return {
        "executions": (layout.execution(machine, "*"), _OWN_NAMES),
        "jobs": (arn("sagemaker", f"training-job/{layout.of_any_run(project)}"), _OWN_NAMES),
        "configs": (arn("sagemaker", f"endpoint-config/{layout.of_any_run(project)}"), _OWN_NAMES),
        "models": (arn("sagemaker", f"model/{layout.of_any_run(project)}"), _OWN_NAMES),
        "packages": (arn("sagemaker", f"model-package/{layout.package_group(project)}/*"), _OWN_NAMES),
        "training-log": (arn("logs", "log-group:/aws/sagemaker/TrainingJobs*"), "the streams of AWS's one log group"),
        "endpoint-log": (arn("logs", f"log-group:/aws/sagemaker/Endpoints/{project}*"), "the streams of its log group"),
    }[wildcard]


def _versions_of(stack: Stack, path: str) -> str:
    return f"IAM5[Resource::<{_logical_id(stack, path)}.Arn>:*]"


def _logical_id(stack: Stack, path: str) -> str:
    resource = _at(stack, path).node.default_child
    assert isinstance(resource, CfnResource)
    return str(stack.resolve(resource.logical_id))


def _at(stack: Stack, path: str) -> Construct:
    found = stack.node.find_child(path.split("/")[0])
    for part in path.split("/")[1:]:
        found = found.node.find_child(part)
    assert isinstance(found, Construct)
    return found
