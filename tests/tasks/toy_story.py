"""`python -m tests.tasks.toy_story FOLDER`, in a project that has the toy task: a drop goes live, and is asked."""

from __future__ import annotations

import sys
from pathlib import Path

from domain.settings import Settings
from local.cloud import ACCOUNT, REGION, LocalCloud
from tests.e2e.conftest import BUCKET, OVERLAY, PROJECT
from tests.e2e.driver import Pipeline, listen
from tests.e2e.material import as_csv, reviews


def main(folder: Path) -> None:
    """Deploy, drop, wait, ask; print what was answered."""
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serving:local"
    overlay = {**OVERLAY, "task": "toy", "training": {}, "serving": {"image": image, "memory_mb": 1024}}
    with LocalCloud(folder) as cloud:
        cloud.bootstrap()
        cloud.deploy(overlay)
        pipeline = Pipeline(cloud, Settings.model_validate(overlay), BUCKET, listen(cloud, PROJECT))
        pipeline.drop("first.csv", as_csv(reviews(400, seed=1)))
        run = pipeline.concluded("promote")
        good, bad = pipeline.predict("superb warm lovely"), pipeline.predict("dull awful weak")
        sys.stdout.write(f"{run.verdict} {good} {bad}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
