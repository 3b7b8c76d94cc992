"""What a case does to the pipeline while it runs: a person's abort, a stopped job, a Spot instance taken away."""

from __future__ import annotations

from tests.e2e.driver import Pipeline
from tests.faults.rig import Rig


def act(rig: Rig, what: str) -> None:
    """Carry out `what`, a case's `act`; "" is nothing. Returns when it is done."""
    pipeline = rig.pipeline
    doing, _, about = what.partition(" ")
    if doing == "abort":
        if about == "training":
            pipeline.training_process()
        else:
            pipeline.until("the fault", pipeline.cloud.went_wrong, pause=0.05)
        for execution in pipeline.executions():
            _stop(pipeline, execution)
        pipeline.cloud.let_go()
    elif doing == "stop":
        job = pipeline.until("a training job", lambda: next(iter(pipeline.jobs("InProgress")), None))
        pipeline.training_process()
        pipeline.client("sagemaker").stop_training_job(TrainingJobName=job)
    elif doing == "interrupt":
        for _ in range(int(about)):
            _interrupt(rig)
    elif what:
        raise ValueError(f"no such act: {what}")


def _stop(pipeline: Pipeline, execution: str) -> None:
    states = pipeline.client("stepfunctions")
    try:
        states.stop_execution(executionArn=execution, cause="Stopped by hand.")
    except states.exceptions.ValidationException:
        # One that only coalesced may have ended since it was listed.
        if states.describe_execution(executionArn=execution)["status"] == "RUNNING":
            raise


def _interrupt(rig: Rig) -> None:
    """Take the Spot instance of the job that hangs away."""
    hanging = rig.control / "hanging"
    job = rig.pipeline.until("a job that hangs", lambda: hanging.read_text() if hanging.exists() else None, pause=0.05)
    hanging.unlink()
    rig.pipeline.cloud.interrupt(job)
