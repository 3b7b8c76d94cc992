"""Every internal name of MiniStack that the local cloud uses, checked before the server starts.

MiniStack has no plugin API: services, integrations and patches are hooked into plain functions and dicts of one
pinned version. A version that lacks one of these must fail here, by name, and not in the middle of a run.
"""

from __future__ import annotations

import importlib
import importlib.metadata

PINNED = "1.5.33"
NAMES = {
    "ministack.app": (
        "AUTH",
        "SERVICE_REGISTRY",
        "SERVICE_HANDLERS",
        "app",
        "pin_request_origin",
        "fix_success_content_type",
    ),
    "ministack.core.router": ("SERVICE_PATTERNS", "extract_access_key_id"),
    "ministack.core.responses": ("_account_from_sts_session", "get_account_id", "get_region", "request_scope"),
    "ministack.core.sigv4": (
        "HeaderSignature",
        "decode_header_value",
        "header_signature_failure",
        "parse_header_signature",
        "parse_query_signature",
        "presigned_request_is_expired",
        "request_time_failure",
    ),
    "ministack.core.iam_actions": (
        "SERVICE_TO_IAM_NAMESPACE",
        "dynamodb_service_context",
        "dynamodb_transaction_checks",
        "extract_iam_action",
        "extract_resource_arn",
        "request_tag_context",
    ),
    "ministack.core.iam_evaluator": (
        "EvalContext",
        "AmbiguousAccessKeyError",
        "CredentialResolutionError",
        "enforce",
        "evaluate",
        "find_iam_access_key_account",
        "is_root_access_key",
        "pin_request_origin",
        "resolve_caller_identity",
        "resolve_credential",
        "evaluate_trust_policy",
        "_gather_role_policies",
    ),
    "ministack.core.lambda_runtime": (
        "Worker.invoke",
        "Worker._spawn",
        "_lock",
        "_signal",
        "_workers",
        "execution_credentials",
        "kill_workers",
        "subprocess.Popen",
    ),
    "ministack.services.cloudtrail": ("record_event",),
    "ministack.services.dynamodb": ("_resolve_index_keys", "_tables", "_update_continuous_backups", "_update_ttl"),
    "ministack.services.eventbridge": (
        "_dispatch_to_lambda",
        "_dispatch_to_stepfunctions",
        "_put_events",
    ),
    "ministack.services.iam": ("_roles",),
    "ministack.services.s3": ("_object_versions", "_persist_object", "_put_bucket_lifecycle", "_version_file_exists"),
    "ministack.services.sts": ("_sessions", "register_session"),
    "ministack.services.lambda_svc": (
        "_emit_lambda_logs",
        "_execute_function_warm",
        "_execution_record_for_config",
        "_functions",
        "_get_func_record_for_ref",
        "execution_credentials",
        "invoke_async_with_retry",
    ),
    "ministack.services.stepfunctions": (
        "_ExecutionError",
        "_add_event",
        "_execute_task",
        "_fail_execution",
        "_invoke_resource",
        "_state_machines",
        "_AWS_SDK_ERROR_CODE_OVERRIDES",
        "_AWS_SDK_ERROR_PREFIX",
        "_AWS_SDK_SERVICE_MAP",
        "_SERVICE_DISPATCH",
    ),
    "ministack.services.cloudformation.changesets": ("_deploy_stack_async",),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS", "s3_bucket_name_conflict"),
}


class IncompatibleMiniStackError(Exception):
    """The installed MiniStack is not the one that the hooks were written for."""


def check(names: dict[str, tuple[str, ...]] | None = None, version: str = PINNED) -> None:
    """Assert the version and every name. Raises IncompatibleMiniStackError naming what is wrong."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        raise IncompatibleMiniStackError(f"ministack=={version} is not installed") from None
    missing = [f"{module}.{name}" for module, wanted in (names or NAMES).items() for name in _missing(module, wanted)]
    if installed != version or missing:
        lacks = f"; it lacks {', '.join(missing)}" if missing else ""
        raise IncompatibleMiniStackError(
            f"the local cloud hooks into ministack=={version}, but {installed} is installed{lacks}"
        )


def _missing(module: str, wanted: tuple[str, ...]) -> list[str]:
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError:
        return list(wanted)
    return [name for name in wanted if not _has(loaded, name)]


def _has(thing: object, name: str) -> bool:
    """Whether it has the attribute, or one's attribute as in "Worker.invoke"."""
    first, _, rest = name.partition(".")
    return hasattr(thing, first) and (not rest or _has(getattr(thing, first), rest))
