"""`mlops withdraw`: take a file back, exactly: the next version of the dataset is without it."""

from __future__ import annotations

from botocore.exceptions import ClientError
from rich.console import Console

from domain import layout
from ops.deployment import Deployment
from ops.drop import key_for
from ops.errors import NotFound, in_plain_words


def withdraw(deployment: Deployment, name: str, console: Console) -> str:
    """Delete a file under landing/ by its name there; its key. Raises NotFound if there is none.

    The bucket keeps deleted versions for a while, so that a mistake can be undone.
    """
    key = key_for(name)
    with in_plain_words(deployment.project):
        _check(deployment, key)
        deployment.client("s3").delete_object(Bucket=deployment.bucket, Key=key)
        # After the object: the other way round, a run in between would train with what was held.
        for hold in deployment.ledger.held().values():
            if hold.source.key == key:
                deployment.ledger.unhold(hold.source.source)
    console.print(f"Withdrew s3://{deployment.bucket}/{key}. The bucket is versioned: the content can be restored.")
    console.print("If the live model was trained with it, one without it is judged now, like any other: mlops watch")
    return key


def _check(deployment: Deployment, key: str) -> None:
    try:
        deployment.client("s3").head_object(Bucket=deployment.bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            raise NotFound(
                f"there is no {key} in {deployment.bucket}. What is there: aws s3 ls "
                f"s3://{deployment.bucket}/{layout.LANDING}"
            ) from error
        raise
