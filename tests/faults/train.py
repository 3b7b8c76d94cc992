"""The training command of the matrix: instead of training, it does what the test wants, within a second.

$FAULTS_DIRECTORY/train.json says what: {"do": …, "times": how many jobs or attempts it is done to (0: all)}. The
prebuilt artifact is in $FAULTS_DIRECTORY/model, hostile ones in $FAULTS_DIRECTORY/<kind>.tar.gz, and the files of those
that say of which run they are in $FAULTS_DIRECTORY/hostile.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

HANG_SECONDS = 3600
# Hostile models that are found out by what they are and not by how they are packed.
OF_THE_RUN = ("backwards", "onnx", "tokenizer")


def main() -> None:
    """Play the part that is asked for, else hand out the prebuilt artifact as if it had been trained."""
    control, root = Path(os.environ["FAULTS_DIRECTORY"]), Path(os.environ["SAGEMAKER_BASE_DIR"])
    part = json.loads((control / "train.json").read_text())
    count = control / "train.count"
    played = int(count.read_text()) if count.exists() else 0
    doing = part["do"] if part["times"] == 0 or played < part["times"] else "copy"
    count.write_text(str(played + 1))
    if doing == "fail":
        (root / "output" / "failure").write_text("RuntimeError: the loss is NaN at step 12")
        sys.exit(1)
    if doing in ("hang", "interrupt"):
        # To be interrupted, it waits for the test to take the instance away.
        (control / "hanging").write_text(os.environ["TRAINING_JOB_NAME"])
        time.sleep(HANG_SECONDS)
    packed = part.get("kind") not in OF_THE_RUN
    if doing == "hostile" and packed:
        _upload(control / f"{part['kind']}.tar.gz", part["bucket"])
        return
    hyperparameters = json.loads((root / "input" / "config" / "hyperparameters.json").read_text())
    for path in (control / ("hostile" if doing == "hostile" else "model")).iterdir():
        shutil.copy(path, root / "model" / path.name)
    manifest = json.loads((root / "model" / "manifest.json").read_text())
    manifest["run"] = json.loads(hyperparameters["run_id"])
    manifest["dataset"] = json.loads(hyperparameters["dataset_id"])
    (root / "model" / "manifest.json").write_text(json.dumps(manifest))


def _upload(tarball: Path, bucket: str) -> None:
    """Put a tarball where the job's artifact belongs; the job itself leaves no file, so nothing replaces it."""
    if tarball.exists():
        import boto3

        key = f"models/{os.environ['TRAINING_JOB_NAME']}/output/model.tar.gz"
        boto3.client("s3").upload_file(str(tarball), bucket, key)


if __name__ == "__main__":
    main()
