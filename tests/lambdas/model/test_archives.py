"""Archives below released/: the same bytes under the same name, checked before use, pruned when nobody needs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from domain import layout
from domain.artifact import MANIFEST
from domain.errors import ModelUnreadable, NotReleased
from domain.state import Champion, Seal
from lambdas.model import archives
from lambdas.model.answers import fetched
from lambdas.steps import release
from stacks.paths import ROOT
from tests.lambdas.models import Models
from tests.lambdas.project import Judge, Project
from tests.lambdas.steps.test_redeploy import ONE, TWO, deploy, seal

KILLED = """
import os, signal, sys
from lambdas.environment import Environment
from lambdas.model.answers import fetched

with fetched(Environment.read(), "a run", sys.argv[1]):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is two hours later: nothing is fresh any more."""
    monkeypatch.setattr(archives, "now", lambda: datetime.now(UTC) + timedelta(hours=2))


def listed(project: Project) -> set[str]:
    return {str(layout.released_archive(key)) for key in project.listed(layout.RELEASED)}


def test_written_twice_it_is_the_same_object(project: Project, models: Models) -> None:
    first = project.seal(models.right)
    assert project.seal(models.right) == first
    assert project.listed(layout.RELEASED) == [layout.released(first.archive)]
    archives.check(project.env, first.archive)


def test_other_bytes_than_were_hashed_are_refused_by_s3(project: Project, tmp_path: Path) -> None:
    (tmp_path / "changed").write_bytes(b"since it was hashed")
    with pytest.raises(ClientError, match="BadDigest"):
        archives.write(project.env, tmp_path / "changed", "0" * 64)
    assert project.listed(layout.RELEASED) == []


@pytest.mark.parametrize("how", ["gone", "other bytes", "no checksum"])
def test_what_is_not_what_was_judged_is_not_deployed(project: Project, models: Models, judged: Judge, how: str) -> None:
    run = judged(ONE, models.right, project.claim())
    key = layout.released(seal(project, ONE).archive)
    s3 = project.client("s3")
    if how == "gone":
        s3.delete_object(Bucket=project.bucket, Key=key)
    elif how == "other bytes":
        s3.put_object(Bucket=project.bucket, Key=key, Body=models.constant.read_bytes(), ChecksumAlgorithm="SHA256")
    else:
        s3.put_object(Bucket=project.bucket, Key=key, Body=models.constant.read_bytes(), ChecksumAlgorithm="CRC32")
    words = "is gone: restore" if how == "gone" else "it is not what was judged"
    with pytest.raises(NotReleased, match=words):
        deploy(run.execution, "candidate", ONE)
    assert project.client("sagemaker").list_models(NameContains=f"{project.name}-")["Models"] == []


def test_nor_is_it_asked(project: Project, models: Models) -> None:
    found = project.seal(models.right)
    uri = archives.uri(project.env, found.archive)
    with fetched(project.env, ONE, uri) as model:
        assert model.seal == found
    key = layout.released(found.archive)
    project.client("s3").upload_file(str(models.constant), project.bucket, key)
    with pytest.raises(ModelUnreadable, match="its SHA-256 is "), fetched(project.env, ONE, uri):
        pass


def test_what_a_killed_function_left_on_its_disk_goes_before_another_model_comes(
    project: Project, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = archives.uri(project.env, project.seal(models.right).archive)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILLED, uri], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.rglob(MANIFEST))) == 1, "it was unpacked"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with fetched(project.env, ONE, uri) as model:
        assert list(tmp_path.rglob(MANIFEST)) == [model.folder / MANIFEST]
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_needs_stays_and_the_rest_goes(project: Project, later: None) -> None:
    execution, ledger = project.claim(), project.env.ledger
    verdicts = [
        "promote",
        "keep",
        "promote",
        "promote",
        "promote",
        "reject",
        "awaiting-approval",
        "-",
        "promote",
        "keep",
    ]
    made: list[Seal] = []
    promoted, live = 0, project.run(execution)
    for number, verdict in enumerate(verdicts):
        fields = {
            "run": f"{number:012}",
            "dataset": f"d{number}",
            "started": f"t{number}",
            "verdict": verdict.strip("-"),
        }
        run = project.run(execution, judged="promote", champion_version=promoted, **fields)
        judgement = project.judgement(run, Seal(f"{number}" * 64, "a" * 64))
        made.append(judgement.seal)
        if verdict == "promote":
            ledger.promote(execution, judgement, "now")
            promoted, live = promoted + 1, run
    # The champion's run was judged anew since: what is live stays, and so does what was judged.
    project.judgement(live, Seal("b" * 64, "a" * 64), verdict="keep")
    adopted = Champion(f"{3:012}", "d3", 1, 1, "then", artifact="s3://b/old")
    ledger.judgements.adopt(adopted, Seal("c" * 64, "a" * 64), "now")
    for one in [*(known.archive for known in made), "b" * 64, "c" * 64, "d" * 64]:
        project.client("s3").put_object(Bucket=project.bucket, Key=layout.released(one), Body=b"")
    project.client("s3").put_object(Bucket=project.bucket, Key=f"{layout.RELEASED}notes.txt", Body=b"")
    for _ in range(2):
        release.handler({"execution": execution}, None)
        kept = {archive[0] for archive in listed(project) if archive != "None"}
        assert kept == {"0", "3", "4", "6", "7", "8", "9", "b", "c"}, (
            "the anchor, the last three promoted, what waits, what is under way, the last run, and what these once were"
        )
        assert f"{layout.RELEASED}notes.txt" in project.listed(layout.RELEASED), "what is not ours is not touched"
        ledger.claim(execution, "again")


def test_what_a_run_may_be_about_to_note_is_not_pruned(project: Project) -> None:
    execution = project.claim()
    project.client("s3").put_object(Bucket=project.bucket, Key=layout.released("a" * 64), Body=b"")
    release.handler({"execution": execution}, None)
    assert listed(project) == {"a" * 64}


def test_without_the_claim_nothing_is_pruned(project: Project, later: None) -> None:
    project.client("s3").put_object(Bucket=project.bucket, Key=layout.released("a" * 64), Body=b"")
    project.claim()
    release.handler({"execution": project.start()}, None)
    assert listed(project) == {"a" * 64}


def test_a_candidate_is_checked_before_it_is_rehearsed(project: Project, models: Models, judged: Judge) -> None:
    execution = project.claim()
    judged(TWO, models.right, execution)
    project.client("s3").delete_object(Bucket=project.bucket, Key=layout.released(seal(project, TWO).archive))
    with pytest.raises(NotReleased):
        deploy(execution, "candidate", TWO, "rehearsal")
