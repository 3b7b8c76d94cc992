"""`mlops withdraw`: take a file back, exactly: the next version of the dataset is without it."""

from __future__ import annotations

from rich.console import Console

from domain import layout
from domain.data.dataset import listed
from domain.printable import printable
from ops.deployment import Deployment
from ops.errors import NotFound, in_plain_words


def withdraw(deployment: Deployment, name: str, console: Console) -> str:
    """Delete a file under landing/ by its name there; its key. Raises NotFound if there is none.

    The bucket keeps deleted versions for a while, so that a mistake can be undone.
    """
    with in_plain_words(deployment.project):
        key = _find(deployment, name)
        deployment.client("s3").delete_object(Bucket=deployment.bucket, Key=key)
        # After the object: the other way round, a run in between would train with what was held.
        for hold in deployment.ledger.held().values():
            if hold.source.key == key:
                deployment.ledger.unhold(hold.source.source)
    console.print(f"Withdrew s3://{deployment.bucket}/{key}. The bucket is versioned: the content can be restored.")
    console.print("If the live model was trained with it, one without it is judged now, like any other: mlops watch")
    return key


def _find(deployment: Deployment, name: str) -> str:
    """The key under landing/ that `name` means: as it is, or as it is shown, which can be typed. Raises NotFound."""
    bare = name.removeprefix(layout.LANDING)
    meant = [f"{layout.LANDING}{each}" for each in (bare, bare.strip("/"))]
    pages = deployment.client("s3").get_paginator("list_objects_v2")
    landed = listed(pages.paginate(Bucket=deployment.bucket, Prefix=layout.LANDING))
    keys = [source.key for source in landed]
    found = next((key for key in meant if key in keys), None)
    found = found or next((key for key in keys if printable(key) in meant), None)
    if found is None:
        raise NotFound(
            f"there is no {meant[1]} in {deployment.bucket}. What is there: aws s3 ls "
            f"s3://{deployment.bucket}/{layout.LANDING}"
        )
    return found
