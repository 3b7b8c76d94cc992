"""The training job: rows and a task in, a judged and packaged model out.

Runs in AWS's training images and on a laptop alike, as `train.py --key value …` under SageMaker's container contract
(SAGEMAKER_BASE_DIR moves /opt/ml). Run again after an interruption, it goes on where it was. How a model learns is the
task's own (`tasks/<task>/train.py`); what happens around it is the same for each.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tasks
from domain.artifact import Manifest
from domain.errors import TrainingError
from domain.gate.kinds import scored
from domain.printable import brief
from training import checkpoints, data, package
from training.arguments import Arguments, Places
from training.report import report


def main(argv: Sequence[str] | None = None) -> None:
    """Run the job. A TrainingError becomes the job's failure reason, in one sentence, and is raised on."""
    arguments, places = Arguments.parse(argv), Places.of()
    try:
        train(arguments, places)
    except TrainingError as error:
        # The toolkit keeps a failure file that is there, and would write one that begins with pages of traceback.
        places.failure.parent.mkdir(parents=True, exist_ok=True)
        places.failure.write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        raise


def train(arguments: Arguments, places: Places) -> None:
    """The whole story. Raises TrainingError."""
    task, row, kind = tasks.train(arguments.task), tasks.row(arguments.task), tasks.kind(arguments.task)
    seconds: dict[str, float] = {}

    with timed("read", seconds):
        splits = data.read(places, arguments.dataset_id, arguments.features, row.asked, kind)
        # As JSON, in ASCII: whatever a label says, it is one line of the log and begins no other.
        labels = json.dumps([brief(label) for label in splits.labels])
        print(f"labels {labels}, rows {json.dumps(splits.counts.to_json())}", flush=True)

    with timed("load", seconds):
        learner = task.learner(arguments, places, splits)

    with timed("train", seconds):
        checkpoint = checkpoints.newest(places.checkpoints, arguments.run_id, places.processes)
        print(f"starting from {checkpoint.name if checkpoint else 'the beginning'}", flush=True)
        learner.train(checkpoint)
    if not learner.is_first():
        return

    with tempfile.TemporaryDirectory() as scratch:
        with timed("export", seconds):
            learner.export(Path(scratch))

        with timed("prove", seconds):
            proof = learner.prove()
            served = scored(kind, proof.truths, proof.answers).brief()

        measured = learner.metrics()
        package.write_artifact(
            places.model,
            learner.files(),
            Manifest(
                task=arguments.task,
                run=arguments.run_id,
                dataset=arguments.dataset_id,
                base_model=arguments.base_model,
                base_revision=arguments.base_revision,
                features=splits.features,
                own=learner.own(),
            ),
            {
                **measured,
                "served": served,
                "parity": proof.parity,
                "rows": splits.counts.to_json(),
                "seconds": seconds,
            },
        )
    for key, value in {
        **proof.reported,
        **{f"served_{measure}": served[measure] for measure in tasks.measures(arguments.task)},
        "progress": 1.0,
    }.items():
        report(key, value, measured["steps"])


@contextmanager
def timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note in `seconds` how long a stage took, and print it."""
    start = time.monotonic()
    yield
    seconds[stage] = round(time.monotonic() - start, 2)
    print(f"stage {stage} {seconds[stage]} s", flush=True)


if __name__ == "__main__":
    main()
