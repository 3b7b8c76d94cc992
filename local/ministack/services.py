"""SageMaker as one more service of MiniStack: registry, routing, authorization, and the local-only control paths."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_account_id, get_region

from local.ministack.asgi import Asgi, Receive, Scope, Send
from local.sagemaker.service import CONTROL, INVOCATIONS, Response, SageMaker

PASS_ROLE = {"CreateTrainingJob": "RoleArn", "CreateModel": "ExecutionRoleArn"}
PULL = ("BatchGetImage", "DescribeImages")
"""What CreateModelPackage does with an image in ECR in its caller's name, whose digest it notes.

Inferred from AWS's managed policy AmazonSageMakerModelRegistryFullAccess, which grants both.
"""
_ECR = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)")
_KINDS = {
    "TrainingJob": "training-job",
    "EndpointConfig": "endpoint-config",
    "Endpoint": "endpoint",
    "ModelPackageGroup": "model-package-group",
    "Model": "model",
}


def register(service: SageMaker) -> None:
    """Add the service to MiniStack's registry, router and IAM tables, and wrap the ASGI app for the control paths."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes | str, _query: object) -> Response:
        # Step Functions hands its bodies over as text.
        data = body.encode() if isinstance(body, str) else body
        return await asyncio.to_thread(_authorized, service, method, path, headers, data)

    app.SERVICE_REGISTRY["sagemaker"] = {"module": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = handle
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": ["SageMaker."], "host_patterns": [r"sagemaker\."]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions.extract_iam_action = _action(iam_actions.extract_iam_action)
    iam_actions.extract_resource_arn = _resource(iam_actions.extract_resource_arn)
    app.fix_success_content_type = _untouched(app.fix_success_content_type)
    app.app = with_control_paths(app.app, service)


def resource_arn(operation: str, request: dict[str, Any]) -> str:
    """The ARN that IAM checks an operation on, or "*"."""
    if "ResourceArn" in request:
        return str(request["ResourceArn"])
    package = request.get("ModelPackageArn") or request.get("ModelPackageName")
    if package:
        return str(package)
    if operation == "CreateModelPackage":
        return sagemaker_arn("model-package-group", str(request.get("ModelPackageGroupName", "*")))
    for noun, kind in _KINDS.items():
        if operation.endswith(noun) and request.get(f"{noun}Name"):
            return sagemaker_arn(kind, request[f"{noun}Name"])
    return "*"


def sagemaker_arn(kind: str, name: str) -> str:
    """ARN in the current account and region."""
    return f"arn:aws:sagemaker:{get_region()}:{get_account_id()}:{kind}/{name.lower()}"


def _authorized(service: SageMaker, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
    """Answer after the checks that one IAM action per request cannot express: PassRole, AddTags, an image's."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if app.AUTH and body[:1] == b"{" and operation.startswith("Create"):
        denied = _denied(operation, json.loads(body), router.extract_access_key_id(headers))
        if denied:
            content = json.dumps({"__type": "AccessDeniedException", "message": denied}).encode()
            return 400, {"Content-Type": "application/x-amz-json-1.1"}, content
    return service.answer(method, path, headers, body)


def _denied(operation: str, request: dict[str, Any], access_key: str) -> str | None:
    """What the caller may not do, in words, of the permissions that a creation needs besides its own action."""
    checks: list[tuple[str, str, str, dict[str, str]]] = []
    if operation in PASS_ROLE:
        condition = {"iam:PassedToService": "sagemaker.amazonaws.com"}
        checks.append(("iam", "iam:PassRole", str(request.get(PASS_ROLE[operation], "*")), condition))
    if operation == "CreateModelPackage":
        checks += [("ecr", f"ecr:{action}", repository, {}) for repository in _repositories(request) for action in PULL]
    if "Tags" in request:
        checks.append(("sagemaker", "sagemaker:AddTags", resource_arn(operation, request), {}))
    for service, action, resource, context in checks:
        if iam_evaluator.enforce(
            access_key, action, service, get_region(), resource_arn=resource, service_context=context
        ):
            return f"not authorized to perform: {action} on resource: {resource}"
    return None


def _repositories(request: dict[str, Any]) -> list[str]:
    """ARNs of the ECR repositories that a model package's images are in."""
    containers = request.get("InferenceSpecification", {}).get("Containers", [])
    found = [_ECR.match(str(container.get("Image", ""))) for container in containers]
    return [f"arn:aws:ecr:{image[2]}:{image[1]}:repository/{image[3]}" for image in found if image]


def _untouched(original: Callable[..., None]) -> Callable[..., None]:
    """MiniStack rewrites JSON content types by protocol; a container's answer must keep its own."""

    def fix(service: str, *rest: Any) -> None:
        if service != "sagemaker":
            original(service, *rest)

    return fix


def _action(original: Callable[..., str | None]) -> Callable[..., str | None]:
    def extract(service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == "sagemaker" and INVOCATIONS.fullmatch(path):
            return "sagemaker:InvokeEndpoint"
        return original(service, method, path, *rest)

    return extract


def _resource(original: Callable[..., str]) -> Callable[..., str]:
    def extract(service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> str:
        if service != "sagemaker":
            return original(service, method, path, headers, body, *rest)
        invocation = INVOCATIONS.fullmatch(path)
        if invocation:
            return sagemaker_arn("endpoint", invocation[1])
        try:
            return resource_arn(headers.get("x-amz-target", "").rpartition(".")[2], json.loads(body or b"{}"))
        except ValueError:
            return "*"

    return extract


def with_control_paths(inner: Asgi, service: SageMaker) -> Asgi:
    """The ASGI app with /_local/ in front: for tests and the demo; `front.py` checks who asks."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CONTROL):
            await inner(scope, receive, send)
            return
        status, headers, body = await asyncio.to_thread(service.control, scope["method"], scope["path"])
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    return outer
