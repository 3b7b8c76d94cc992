"""Checkpoints on their way to S3: whatever moment the instance is taken away, a whole one is there."""

from __future__ import annotations

import shutil
from pathlib import Path

from local.cloud import LocalCloud
from local.sagemaker.checkpoints import Checkpoints
from tests.local import builders


def test_the_last_whole_checkpoint_goes_only_when_the_next_one_is_there(
    small_cloud: LocalCloud, tmp_path: Path
) -> None:
    s3, prefix = small_cloud.client("s3"), f"{builders.unique('checkpoints')}/"
    travelling = Checkpoints(s3, f"s3://{builders.BUCKET}/{prefix}", tmp_path)

    def save(step: int) -> Path:
        (tmp_path / f"{step}").mkdir()
        (tmp_path / f"{step}" / "state").write_text(f"{step}")
        return tmp_path / f"{step}"

    def stored() -> list[str]:
        listed = s3.list_objects_v2(Bucket=builders.BUCKET, Prefix=prefix).get("Contents", [])
        return [item["Key"].removeprefix(prefix) for item in listed]

    first = save(1)
    travelling.sync()
    travelling.sync()
    assert stored() == ["1/state"]
    save(2)
    shutil.rmtree(first)
    travelling.sync()
    assert stored() == ["1/state"], "the second one was not yet the same in two looks"
    travelling.sync()
    assert stored() == ["2/state"]
