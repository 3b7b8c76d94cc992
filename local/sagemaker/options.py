"""The knobs of the local SageMaker, read once from the environment of the server process."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPOT_PRICE_FRACTION = 0.3
"""Emulated price of Spot: the share of the run seconds that is billed. AWS's own share varies; this is declared."""


@dataclass(frozen=True)
class Options:
    """Commands and limits. Durations are seconds; `serverless_concurrency` is the account's quota in each region."""

    directory: Path
    train: tuple[str, ...]
    serve: tuple[str, ...]
    idle_seconds: float = 300.0
    start_seconds: float = 180.0
    invoke_seconds: float = 60.0
    stop_seconds: float = 2.0
    sync_seconds: float = 1.0
    restart_seconds: float = 1.0
    inherit: tuple[str, ...] = ()
    """Variables of the server that jobs get beside those that SageMaker gives: for tests' own programs."""
    serverless_concurrency: int = 10

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """Read LOCAL_SAGEMAKER_*; unset ones take the defaults (the toolkit's `train`, `python -m serving`)."""

        def seconds(name: str, default: float) -> float:
            return float(environment.get(f"LOCAL_SAGEMAKER_{name}_SECONDS", default))

        toolkit = shlex.quote(str(Path(sys.executable).with_name("train")))
        serving = f"{shlex.quote(sys.executable)} -m serving"
        return cls(
            directory=Path(environment["LOCAL_SAGEMAKER_DIRECTORY"]),
            train=tuple(shlex.split(environment.get("LOCAL_SAGEMAKER_TRAIN", toolkit))),
            serve=tuple(shlex.split(environment.get("LOCAL_SAGEMAKER_SERVE", serving))),
            idle_seconds=seconds("IDLE", cls.idle_seconds),
            start_seconds=seconds("START", cls.start_seconds),
            invoke_seconds=seconds("INVOKE", cls.invoke_seconds),
            stop_seconds=seconds("STOP", cls.stop_seconds),
            sync_seconds=seconds("SYNC", cls.sync_seconds),
            restart_seconds=seconds("RESTART", cls.restart_seconds),
            inherit=tuple(environment.get("LOCAL_SAGEMAKER_INHERIT", "").split()),
            serverless_concurrency=int(
                environment.get("LOCAL_SAGEMAKER_SERVERLESS_CONCURRENCY", cls.serverless_concurrency)
            ),
        )
