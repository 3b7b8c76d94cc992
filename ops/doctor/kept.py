"""What outlives the stack: the data bucket and the ledger are as `stacks/data.py` makes them.

A deploy after a destroy takes both up again and changes nothing about them (docs/decisions/11). What somebody changed
by hand stays changed until it is set back by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError

from domain import layout
from ops.doctor.finding import Finding, Level
from ops.doctor.surroundings import Surroundings

AREA: Final = "bucket and ledger"
_EXPIRES: Final = "expires"
_RULES: Final = frozenset({"checkpoints", "overwritten-and-deleted-objects", "unfinished-uploads"})
_EVENTS: Final = json.dumps({"EventBridgeConfiguration": {}})


def bucket(about: Surroundings) -> Iterator[Finding]:
    """Whether the bucket tells of objects, keeps versions, and forgets old ones. Raises botocore's errors."""
    s3, name = about.client("s3"), layout.bucket(about.project, about.account, about.region)
    tells = "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)
    yield _finding(
        "events",
        tells,
        "The bucket tells EventBridge of every object.",
        f"{name} tells EventBridge of no object: drops are seen at the next sweep only.",
        f"aws s3api put-bucket-notification-configuration --bucket {name} --notification-configuration '{_EVENTS}'",
    )
    yield _finding(
        "versions",
        s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        "The bucket keeps what is overwritten or deleted.",
        f"{name} keeps no versions: what is overwritten or deleted is gone.",
        f"aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled",
    )
    missing = sorted(_RULES - _lifecycle(about, name))
    yield _finding(
        "lifecycle",
        not missing,
        "Old versions, checkpoints and unfinished uploads expire.",
        f"{name} lacks the lifecycle rules {', '.join(missing)}: what they remove is kept and paid for.",
        f"aws s3api put-bucket-lifecycle-configuration --bucket {name} …, with the rules of stacks/data.py",
        otherwise=Level.WARNING,
    )


def ledger(about: Surroundings) -> Iterator[Finding]:
    """Whether the table can be restored, and forgets what has expired. Raises botocore's errors."""
    dynamodb, name = about.client("dynamodb"), layout.ledger(about.project)
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    recovery = "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    yield _finding(
        "recovery",
        status == "ENABLED",
        "The ledger can be brought back to any moment of the last weeks.",
        f"{name} has no point-in-time recovery: an item that is deleted is gone.",
        f"aws dynamodb update-continuous-backups --table-name {name} {recovery}",
    )
    lives = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    expiring = lives.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") and lives.get("AttributeName") == _EXPIRES
    live = f"--time-to-live-specification Enabled=true,AttributeName={_EXPIRES}"
    yield _finding(
        "expiry",
        expiring,
        "What the ledger needs for a while only expires.",
        f"{name} keeps its markers for ever.",
        f"aws dynamodb update-time-to-live --table-name {name} {live}",
        otherwise=Level.WARNING,
    )


def _lifecycle(about: Surroundings, name: str) -> set[str]:
    try:
        rules = about.client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return set()
        raise
    return {rule["ID"] for rule in rules if rule["Status"] == "Enabled"}


def _finding(name: str, fine: bool, good: str, bad: str, fix: str, *, otherwise: Level = Level.WRONG) -> Finding:
    return Finding(AREA, name, Level.FINE, good) if fine else Finding(AREA, name, otherwise, bad, fix)
