"""What a policy's statements say to a request: by MiniStack's own evaluator, outside of its server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core import iam_evaluator

from local.permissions import Request

Statement = Mapping[str, Any]


def allowed(request: Request, statements: Iterable[Statement]) -> bool:
    """Whether the statements of an identity's policies allow a request; nothing else is asked."""
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::000000000000:assumed-role/{request.role}/local",
        principal_type="AssumedRole",
        principal_account="000000000000",
        action=request.action,
        resource_arn=request.resource,
        region="us-east-1",
        secure_transport=True,
        service_context={key: list(values) if len(values) != 1 else values[0] for key, values in request.context},
    )
    parsed = iam_evaluator.parse_policy_document({"Statement": [dict(statement) for statement in statements]})
    return bool(iam_evaluator.evaluate(context, [parsed]).decision == "Allow")
