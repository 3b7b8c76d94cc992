"""The settings of a run on an account: a project of its own, a tiny model, short jobs, no dashboard."""

from __future__ import annotations

import os
import secrets
from functools import cache
from typing import Any

from domain import layout
from stacks.cdk_json import merge
from tests.e2e.conftest import OVERLAY


@cache
def on_aws(account: str, region: str) -> dict[str, Any]:
    """The overlay of this run; the same for all who ask in this process."""
    project = f"accept-{secrets.token_hex(3)}"
    base = f"s3://{layout.bucket(project, account, region)}/{layout.BASE}tiny/"
    own = {
        "project": project,
        "data": {"quiet_seconds": 10, "settle_max_seconds": 120},
        "training": {"base_model": base, "max_run_seconds": 1800, "max_wait_seconds": 7200},
        "serving": {"image": os.environ.get("ACCEPT_IMAGE", "build"), "max_concurrency": 2},
        "operations": {"max_attempts": 2, "dashboard": False, "log_retention_days": 1},
    }
    return merge(OVERLAY, own)
