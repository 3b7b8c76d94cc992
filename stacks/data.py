"""What must outlive a stack: the data bucket and the ledger.

Both are retained when the stack is deleted, and both have deterministic names, so that
`cdk deploy --import-existing-resources` takes them up again.
"""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from domain import layout

# How long a dropped file, or an artifact, can be restored after it was overwritten or deleted.
_UNDELETE_DAYS = 30
# Longer than any job may wait and run (5 days), and than the attempts at one run.
_CHECKPOINT_DAYS = 14


class Data(Construct):
    """The data bucket, which tells EventBridge about every object, and the ledger table."""

    def __init__(self, scope: Construct, construct_id: str, *, project: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=layout.bucket(project, stack.account, stack.region),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=_lifecycle(),
        )
        # The native property: `event_bridge_enabled` would add a custom resource with its own function and role.
        bucket = self.bucket.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.add_property_override("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True)
        self.ledger = dynamodb.Table(
            self,
            "Ledger",
            table_name=layout.ledger(project),
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.RETAIN,
        )


def _lifecycle() -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(
            id="overwritten-and-deleted-objects",
            noncurrent_version_expiration=Duration.days(_UNDELETE_DAYS),
        ),
        s3.LifecycleRule(
            id="checkpoints",
            prefix=layout.CHECKPOINTS,
            expiration=Duration.days(_CHECKPOINT_DAYS),
            noncurrent_version_expiration=Duration.days(1),
        ),
        s3.LifecycleRule(id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(3)),
    ]
