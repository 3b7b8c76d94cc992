"""The training job: rows and a pretrained model in, a judged and packaged classifier out.

Runs in AWS's HuggingFace training image and on a laptop alike, as `train.py --key value …` under SageMaker's
container contract (SAGEMAKER_BASE_DIR moves /opt/ml). Run again after an interruption, it goes on where it was.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Read when the hub's library is imported: it would report versions with each request.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import numpy as np
from datasets import Dataset, disable_progress_bars
from transformers import set_seed
from transformers.utils import logging

from domain.artifact import Manifest
from domain.errors import TrainingError
from domain.gate.scores import score
from domain.printable import brief
from training import base, checkpoints, data, learning, package
from training.arguments import Arguments, Places
from training.callbacks import report
from training.export import export, inputs_of, prove


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
    disable_progress_bars()
    logging.disable_progress_bar()
    seconds: dict[str, float] = {}

    with timed("read", seconds):
        splits = data.read(places, arguments.dataset_id, arguments.features)
        # As JSON, in ASCII: whatever a label says, it is one line of the log and begins no other.
        labels = json.dumps([brief(label) for label in splits.labels])
        print(f"labels {labels}, rows {json.dumps(splits.counts.to_json())}", flush=True)

    with timed("load", seconds):
        set_seed(arguments.seed)
        tokenizer, model = base.load(arguments.base_model, arguments.base_revision, places.base, splits.labels)
        max_length = min(arguments.max_length, tokenizer.model_max_length)
        base.check(arguments.base_model, tokenizer, model, max_length)
        rows = data.tokenize(splits.train, tokenizer, splits.labels, max_length)
        validation = data.tokenize(splits.validation, tokenizer, splits.labels, max_length)

    with timed("train", seconds):
        checkpoint = checkpoints.newest(places.checkpoints, arguments.run_id, places.processes)
        print(f"starting from {checkpoint.name if checkpoint else 'the base model'}", flush=True)
        trainer = learning.build(arguments, places, model, tokenizer, rows, validation, checkpoint)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if not trainer.is_world_process_zero():
        return

    with tempfile.TemporaryDirectory() as scratch:
        inputs = inputs_of(tokenizer.model_input_names)
        with timed("export", seconds):
            saved = package.save_checkpoint(model, tokenizer, trainer.state.log_history, places.output)
            fp32, int8 = export(saved, inputs, Path(scratch))

        with timed("prove", seconds):
            encoded = [{name: np.array([row[name]], np.int64) for name in inputs} for row in validation]
            parity = prove(saved, fp32, int8, encoded, arguments.int8_min_agreement)
            served = _served(validation, splits.labels, parity.rows, parity.guesses)

        package.write_artifact(
            places.model,
            int8,
            tokenizer,
            Manifest(
                labels=splits.labels,
                run=arguments.run_id,
                dataset=arguments.dataset_id,
                base_model=arguments.base_model,
                base_revision=arguments.base_revision,
                max_length=max_length,
                features=arguments.features,
                inputs=inputs,
            ),
            {
                "validation": learning.best(trainer),
                "served": served,
                "parity": parity.to_json(),
                "rows": splits.counts.to_json(),
                "steps": trainer.state.global_step,
                "seconds": seconds,
                "curves": learning.curves(trainer.state.log_history),
            },
        )
    for key, value in (
        ("onnx_difference", parity.onnx_difference),
        ("int8_agreement", parity.int8_agreement),
        ("served_accuracy", served["accuracy"]),
        ("served_macro_f1", served["macro_f1"]),
        ("progress", 1.0),
    ):
        report(key, value, trainer.state.global_step)


@contextmanager
def timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note in `seconds` how long a stage took, and print it."""
    start = time.monotonic()
    yield
    seconds[stage] = round(time.monotonic() - start, 2)
    print(f"stage {stage} {seconds[stage]} s", flush=True)


def _served(
    validation: Dataset, labels: Sequence[str], rows: Sequence[int], guesses: Sequence[int]
) -> dict[str, float | int]:
    """Scores of the int8 graph on the validation rows that it was proved on."""
    truth = validation["labels"]
    return score([labels[truth[row]] for row in rows], [labels[guess] for guess in guesses]).brief()


if __name__ == "__main__":
    main()
