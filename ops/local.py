"""`mlops local`: the whole pipeline on this machine, to be used with any AWS tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from ops.cloud import DIRECTORY, deployed, stay_up
from ops.demo import plays
from ops.deployment import default_project
from ops.errors import Unusable


def start(overlay: Path | None, *, demo_settings: bool, task: str | None, port: int, console: Console) -> None:
    """Start, bootstrap, deploy, and stay up until Ctrl-C.

    `overlay` is a JSON file merged over the settings of cdk.json; `demo_settings` takes the demo's instead, with its
    weights: that of `task` if it is given. Raises Unusable for both, for a task without the demo's, or for a file that
    is no JSON object, and OpsError if the cloud does not come up.
    """
    if overlay and demo_settings:
        raise Unusable("--overlay and --demo-settings exclude each other")
    if task and not demo_settings:
        raise Unusable("--task says whose demo's settings are taken: give --demo-settings, too")
    play = plays.of(task) if demo_settings else None
    changes = _read(overlay) if overlay else play.settings if play else {}
    project = str(changes.get("project") or default_project())
    with deployed(DIRECTORY / "cloud", changes, console, port) as cloud:
        if play:
            play.begin(cloud, console)
        stay_up(cloud, project, console)


def _read(path: Path) -> dict[str, Any]:
    # What is in it, CDK checks against the settings.
    try:
        overlay = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(overlay, dict):
        raise Unusable(f"{path} must hold a JSON object")
    return overlay
