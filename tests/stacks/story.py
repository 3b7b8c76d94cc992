"""A run that goes well, answer by answer: tests change the answers that they are about."""

from __future__ import annotations

from typing import Any

from tests.stacks.machine import Execution, execute
from tests.stacks.synth import PROJECT, Synthesized

DROP = {"reason": "drop", "from": "Settle"}
RUN = "0123456789ab"
JOB = f"{PROJECT}-{RUN}-1"
ARTIFACT = f"s3://bucket/models/{JOB}/output/model.tar.gz"
PREPARED = {
    "outcome": "train", "run": RUN, "job": JOB, "hyperparameters": {"epochs": "1"},
    "train_manifest": "s3://b/train.manifest", "validation_manifest": "s3://b/validation.manifest",
    "dataset_manifest": "s3://b/dataset.manifest", "checkpoints": "s3://b/checkpoints/r/", "output": "s3://b/models/",
    "artifact": None,
}  # fmt: skip
COMPLETED = {
    "TrainingJobName": JOB,
    "TrainingJobStatus": "Completed",
    "SecondaryStatus": "Completed",
    "ModelArtifacts": {"S3ModelArtifacts": ARTIFACT},
}
# It never had an instance, so it has no artifact.
STOPPED = {"TrainingJobName": JOB, "TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"}
REHEARSED = {"endpoint": f"{PROJECT}-rehearsal", "config": "config-r"}
HAPPY: dict[str, list[Any]] = {
    "claim": [{"outcome": "claimed"}],
    "settle": [{"wait_seconds": 0}],
    "prepare": [PREPARED],
    "screen": [{"outcome": "passed"}],
    "createTrainingJob.sync": [COMPLETED],
    "evaluate": [{"verdict": "promote"}],
    "reject": [{}],
    "redeploy": [REHEARSED, {"endpoint": PROJECT, "config": "config-1"}],
    "describeEndpoint": [{"EndpointStatus": "InService"}],
    "verify": [{}],
    "promote": [{}],
    "announce": [{}],
    "release": [{"started": None}],
}
CONVERGENCE = ["Redeploy", "Await", "LookAtEndpoint", "Converged", "Verify", "Verified"]
DEPLOYED = [*CONVERGENCE, *CONVERGENCE, "Promote"]
ENDING = ["Announce", "Release", "Released", "Done"]
LOOKED = ["Claim", "Claimed", "Settle", "Quiet", "Prepare", "Prepared", "Screen", "Screened"]
JUDGED = [*LOOKED, "Train", "Trained", "Evaluate", "Judged"]


def run(synthesized: Synthesized, message: Any = DROP, **answers: list[Any]) -> Execution:
    """Execute the machine with the answers of a run that goes well, but for `answers` (`_sync` stands for `.sync`)."""
    named = {**HAPPY, **{name.replace("_sync", ".sync"): value for name, value in answers.items()}}
    # Claim answers with what the machine was started with, too.
    started = {"reason": "unknown", "start": message.get("from", "Settle"), "run": None, **message}
    named["claim"] = [{**started, **one} if isinstance(one, dict) else one for one in named["claim"]]
    return execute(synthesized.definition(), message, named)
