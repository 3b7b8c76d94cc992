"""The settings in which every story differs from cdk.json: no long waits, and the image that the local cloud serves."""

from __future__ import annotations

from typing import Any, Final

from local.cloud import ACCOUNT, REGION

WAITS: Final[dict[str, Any]] = {"quiet_seconds": 2, "settle_max_seconds": 60}
SERVING: Final[dict[str, Any]] = {
    "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serving:local",
    "memory_mb": 1024,
}
