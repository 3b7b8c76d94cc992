"""A deployed pipeline to do things to: the whole stack on a local cloud with the fault switch, one model live."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from domain import layout
from domain.state import Run
from local.cloud import ACCOUNT, REGION, LocalCloud
from ops.deployment import Deployment
from ops.promote import promote
from ops.rollback import rollback
from tasks.settings import of_project
from tests.e2e.driver import Pipeline, listen
from tests.e2e.material import TABLES, of_task, reviews
from tests.faults import artifacts, models

PROJECT = "faults"
BUCKET = layout.bucket(PROJECT, ACCOUNT, REGION)
OVERLAY: dict[str, Any] = {
    "project": PROJECT,
    "data": {"quiet_seconds": 1, "settle_max_seconds": 20, "min_train_rows": 20},
    "gate": {"min_accuracy": 0.7, "min_macro_f1": 0.7, "min_test_rows": 10, "min_label_test_rows": 2},
    "serving": {"image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serving:local", "memory_mb": 1024},
    "operations": {"max_attempts": 2, "dashboard": False},
}
TRAINING: dict[str, Any] = {"max_run_seconds": 60, "max_wait_seconds": 120, "on_demand_max_usd_per_hour": 1.0}
# Tables have none.
BASE = {"base_model": f"s3://{BUCKET}/{layout.BASE}words/", "base_revision": "0"}
TRAIN = Path(__file__).with_name("train.py")
# How long nothing must have happened for a case to be over.
MOMENT = 0.8
# So many that chance leaves no case with fewer than 10 test rows: one in a hundred thousand has.
_ROWS = 300


class Rig:
    """One deployment, brought back to the same state before each case: a seed file landed, a model live."""

    def __init__(self, pipeline: Pipeline, control: Path) -> None:
        self.pipeline, self.control = pipeline, control
        self._ledger = pipeline.cloud.resource("dynamodb").Table(layout.ledger(PROJECT))
        self._facts: list[dict[str, Any]] = []
        self._released: dict[str, bytes] = {}
        self._drops, self._seed = 1, ""

    def sow(self) -> None:
        """Let the first model go live, and remember the facts as they are then."""
        self.play("copy")
        self._drop_seed()
        self.pipeline.concluded("promote")
        self._facts = self._ledger.scan()["Items"]
        s3 = self.pipeline.client("s3")
        self._released = {
            key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in self.pipeline.keys(layout.RELEASED)
        }
        assert self._sound()

    def drop(self) -> str:
        """Drop a file that never was there before; its name."""
        self._drops += 1
        return self.pipeline.drop_rows(f"drop-{self._drops}", reviews(_ROWS, seed=self._drops))

    def lay_out(self, order: str) -> None:
        """Bring about what a person can order: a model that was live before, or one that could not go live."""
        if not order:
            return
        champion, known = self.pipeline.ledger.champion(), {run.run for run in self.pipeline.ledger.runs()}
        assert champion is not None
        broken = order == "promote"
        self.play("copy", serve="exit" if broken else "", spare=["seed", champion.run])
        self.drop()
        ended = self.pipeline.until("its end", lambda: self._ended_beyond(known))
        assert ended.verdict == ("gave-up" if broken else "promote"), ended.sentence
        self.pipeline.rest(MOMENT)
        self.play("copy")
        self.pipeline.notifications()

    def _ended_beyond(self, known: set[str]) -> Run | None:
        return next((run for run in self.pipeline.ledger.runs() if run.verdict and run.run not in known), None)

    def order(self, order: str) -> None:
        """Order it, as the command does."""
        deployment, quiet = Deployment.on(self.pipeline.cloud, PROJECT), Console(quiet=True)
        if order == "rollback":
            rollback(deployment, None, "answers are wrong", quiet, hold=False)
        else:
            promote(deployment, self.pipeline.ledger.runs()[-1].run, "its container was at fault", quiet)

    def play(self, train: str, times: int = 0, *, serve: str = "", spare: list[str] | None = None) -> None:
        """Say what training does from now on, and what is wrong with the containers of all runs but `spare`."""
        kind = train.removeprefix("hostile-")
        part = {"do": "hostile" if kind != train else train, "kind": kind, "times": times, "bucket": BUCKET}
        for name in ("train.count", "hanging", "served", f"{kind}.tar.gz"):
            (self.control / name).unlink(missing_ok=True)
        if kind != train:
            self._make_hostile(kind)
        (self.control / "train.json").write_text(json.dumps(part))
        (self.control / "serve.json").write_text(json.dumps({"do": serve, "spare": spare or []}))

    def _make_hostile(self, kind: str) -> None:
        files = self.control / "hostile"
        shutil.rmtree(files, ignore_errors=True)
        shutil.copytree(self.control / "model", files)
        tarball = artifacts.hostile(kind, files)
        if tarball is not None:
            (self.control / f"{kind}.tar.gz").write_bytes(tarball)

    def restore(self, *, first: bool) -> None:
        """Back to the seed in landing, with some model live; with `first`, to a deployment that has seen nothing."""
        self.pipeline.cloud.faults([])
        self.play("copy")
        kept = set() if first else {f"{layout.LANDING}{self._seed}"}
        keys = [key for key in self.pipeline.keys(layout.LANDING) if key not in kept]
        if keys:
            objects = [{"Key": key} for key in keys]
            self.pipeline.client("s3").delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
        # The seed alone was concluded when it was sown, so this starts no run.
        self.pipeline.rest(MOMENT)
        if first:
            self._forget()
            self._remove_endpoint()
        elif not self._sound():
            self._bring_back()
        self.pipeline.notifications()

    def _drop_seed(self) -> None:
        """Drop the first file, always of the same bytes."""
        self._seed = self.pipeline.drop_rows("seed", reviews(_ROWS, seed=0))

    def _sound(self) -> bool:
        """Whether what is live is what was promoted: then the next case may begin with that."""
        champion, endpoint = self.pipeline.ledger.champion(), self.pipeline.endpoint()
        if champion is None or endpoint is None or endpoint["EndpointStatus"] != "InService":
            return False
        return layout.deployed_run(PROJECT, endpoint["EndpointConfigName"]) == champion.run

    def _forget(self) -> None:
        for item in self._ledger.scan()["Items"]:
            self._ledger.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})

    def _bring_back(self) -> None:
        self._forget()
        for item in self._facts:
            self._ledger.put_item(Item=item)
        # The runs of a deployment that had forgotten it may have pruned it.
        for key, body in self._released.items():
            self.pipeline.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body, ChecksumAlgorithm="SHA256")
        if f"{layout.LANDING}{self._seed}" not in self.pipeline.keys(layout.LANDING):
            self._drop_seed()
            self.pipeline.rest(MOMENT)
        # The pipeline's own way back: an execution from Redeploy converges on the champion.
        self.pipeline.start({"reason": "deploy", "from": "Redeploy"})
        self.pipeline.rest(MOMENT)
        assert self._sound()

    def _remove_endpoint(self) -> None:
        if self.pipeline.endpoint():
            self.pipeline.client("sagemaker").delete_endpoint(EndpointName=PROJECT)
            self.pipeline.until("no endpoint", lambda: self.pipeline.endpoint() is None)


@contextmanager
def deployed(directory: Path, task: str = "text") -> Iterator[Rig]:
    """A local cloud of its own with the stack of a project of `task` deployed to it, and the first model live."""
    control = directory / "control"
    models.build(control / "model", "seed", task)
    overlay = {**of_task(OVERLAY, task), "training": TRAINING if task in TABLES else {**TRAINING, **BASE}}
    python = shlex.quote(sys.executable)
    settings = {
        "LOCAL_FAULTS": "1",
        "LOCAL_SAGEMAKER_TRAIN": f"{python} {shlex.quote(str(TRAIN))}",
        "LOCAL_SAGEMAKER_SERVE": f"env {shlex.quote(f'FAULTS_DIRECTORY={control}')} {python} -m tests.faults.serve",
        "LOCAL_SAGEMAKER_STOP_SECONDS": "0.2",
        "LOCAL_SAGEMAKER_RESTART_SECONDS": "0.2",
        "LOCAL_SAGEMAKER_START_SECONDS": "20",
        "LOCAL_SAGEMAKER_INVOKE_SECONDS": "10",
        "FAULTS_DIRECTORY": str(control),
        "LOCAL_SAGEMAKER_INHERIT": "FAULTS_DIRECTORY OMP_NUM_THREADS",
        # The machine's waits and the pauses between its retries, so that a case takes seconds.
        "SFN_WAIT_SCALE": "0.02",
        "OMP_NUM_THREADS": "1",
        # Warm functions, as in a busy project: a cold start costs more than all else in a case.
        "LOCAL_LAMBDA_IDLE_SECONDS": "600",
    }
    with LocalCloud(directory / "cloud", settings=settings) as cloud:
        cloud.bootstrap()
        cloud.deploy(overlay)
        for name in ("config.json", "tokenizer.json"):
            cloud.client("s3").put_object(Bucket=BUCKET, Key=f"{layout.BASE}words/{name}", Body=b"{}")
        project = of_project(overlay).model_validate(overlay)
        rig = Rig(Pipeline(cloud, project, BUCKET, listen(cloud, PROJECT)), control)
        rig.sow()
        yield rig
