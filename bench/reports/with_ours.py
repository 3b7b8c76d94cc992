"""What is measured: `lambdas/dataset/parts.py`, in a process that has loaded handler and AWS client as Lambda's has.

    python -m bench.reports.with_ours FOLDER NAME

FOLDER is a bucket with `landing/NAME`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import boto3

from bench.reports.folder import FolderEnvironment
from bench.reports.measure import measured
from domain.data.dataset import Source
from lambdas.dataset.parts import ensure_derived
from lambdas.steps import prepare


def main(folder: Path, name: str) -> None:
    """Derive one file. Raises ValueError if it was rejected."""
    os.environ |= {"POWERTOOLS_SERVICE_NAME": "measured", "POWERTOOLS_METRICS_NAMESPACE": "measured"}
    env = FolderEnvironment.over(folder)
    _idle = (prepare.handler, boto3.client("s3", region_name="us-east-1"))
    with measured():
        report = ensure_derived(env, Source.of(f"landing/{name}", "etag", "2026"))
    if report.error:
        raise ValueError(report.error)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
