"""CloudFormation: where MiniStack 1.5.33 deploys other than AWS in ways that this project's stack meets."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import dynamodb, lambda_svc, s3
from ministack.services.cloudformation import changesets, provisioners

_imported: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("imported", default=frozenset())


def apply() -> None:
    """Apply every patch."""
    function = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    function["create"] = _dead_letter_config(function["create"])
    bucket = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    bucket["create"] = _lifecycle_rules(bucket["create"])
    table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    table["create"] = _recovery_and_expiry(table["create"])
    changesets._deploy_stack_async = _knowing_its_imports(changesets._deploy_stack_async)
    provisioners.s3_bucket_name_conflict = _unless_imported(provisioners.s3_bucket_name_conflict)


def _dead_letter_config(original: Callable[..., Any]) -> Callable[..., Any]:
    """CloudFormation sets a function's DeadLetterConfig, which 1.5.33 leaves out."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        physical_id, attributes = original(logical_id, properties, stack)
        if properties.get("DeadLetterConfig"):
            lambda_svc._functions[physical_id]["config"]["DeadLetterConfig"] = properties["DeadLetterConfig"]
        return physical_id, attributes

    return create


def _lifecycle_rules(original: Callable[..., Any]) -> Callable[..., Any]:
    """CloudFormation gives a bucket its lifecycle rules, which 1.5.33 leaves out. They are listed; nothing expires."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        physical_id, attributes = original(logical_id, properties, stack)
        rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
        listed = "".join(
            f"<Rule><ID>{escape(rule['Id'])}</ID><Filter><Prefix>{escape(rule.get('Prefix', ''))}</Prefix></Filter>"
            f"<Status>{escape(rule['Status'])}</Status></Rule>"
            for rule in rules
        )
        if rules:
            s3._put_bucket_lifecycle(physical_id, f"<LifecycleConfiguration>{listed}</LifecycleConfiguration>".encode())
        return physical_id, attributes

    return create


def _recovery_and_expiry(original: Callable[..., Any]) -> Callable[..., Any]:
    """CloudFormation sets a table's point-in-time recovery and its time to live, which 1.5.33 leaves out."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        physical_id, attributes = original(logical_id, properties, stack)
        for name, change in (
            ("PointInTimeRecoverySpecification", dynamodb._update_continuous_backups),
            ("TimeToLiveSpecification", dynamodb._update_ttl),
        ):
            if name in properties:
                change({"TableName": physical_id, name: properties[name]})
        return physical_id, attributes

    return create


def _knowing_its_imports(original: Callable[..., Any]) -> Callable[..., Any]:
    """Note the names that a deployment imports (`--import-existing-resources`) while it runs."""

    async def deploy(*arguments: Any, imports: dict[str, Any] | None = None, **named: Any) -> Any:
        names = frozenset(str(name) for identifier in (imports or {}).values() for name in _names(identifier))
        token = _imported.set(names)
        try:
            return await original(*arguments, imports=imports, **named)
        finally:
            _imported.reset(token)

    return deploy


def _names(identifier: Any) -> list[Any]:
    return list(identifier.values()) if isinstance(identifier, dict) else [identifier]


def _unless_imported(original: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """The validation before a deployment takes an imported bucket's existence for a name conflict."""

    def conflict(name: str) -> str | None:
        return None if name in _imported.get() else original(name)

    return conflict
