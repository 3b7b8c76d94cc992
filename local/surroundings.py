"""What the processes of the local cloud get from the machine around them: an environment and a port."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without anything that could lead to the real AWS, and without a PYTHONPATH that Lambda workers would inherit."""
    kept = {
        key: value
        for key, value in environment.items()
        if not key.startswith("AWS_") and key not in ("PYTHONPATH", "SAGEMAKER_BASE_DIR")
    }
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
