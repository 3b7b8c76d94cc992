"""A model's answers on rows: its artifact loaded through the serving predictor, its earlier answers not asked again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from domain import layout
from domain.artifact import METRICS, text_of
from domain.records import Row
from lambdas.environment import Environment
from lambdas.storage import read_lines, write_json, write_lines
from serving.artifact import extract
from serving.manifest import ArtifactError
from serving.predictor import Predictor

# Rows, some minutes of the longest texts: Evaluate has 15 of them.
_KEPT_EVERY: Final = 2_000


class ModelUnreadable(Exception):
    """An artifact cannot be fetched or loaded; the message names the run."""


@dataclass(frozen=True)
class Answer:
    """The served model's first label for a row, and its probability."""

    label: str
    score: float


def answers(env: Environment, run: str, artifact: str, rows: Iterable[Row]) -> dict[str, Answer]:
    """Answers by row id. This artifact's earlier ones are read from `runs/<run>/`: ids stand for texts, so they hold.

    They are written every so many rows: a function that runs out of time is invoked again, and goes on from there.
    Raises ModelUnreadable.
    """
    known = given_before(env, run, artifact)
    wanted = list(rows)
    missing = [row for row in wanted if row.id not in known]
    if missing:
        with _loaded(env, run, artifact) as predictor:
            for start in range(0, len(missing), _KEPT_EVERY):
                some = missing[start : start + _KEPT_EVERY]
                texts = [text_of(row.features, env.settings.data.features) for row in some]
                found = predictor.predict(texts, top_k=1)
                best = [Answer(labels[0].label, round(labels[0].score, 6)) for labels in found]
                known |= {row.id: answer for row, answer in zip(some, best, strict=True)}
                lines = [{"id": row, "artifact": artifact, **asdict(known[row])} for row in sorted(known)]
                write_lines(env, layout.run_file(run, "predictions.jsonl.gz"), lines)
    return {row.id: known[row.id] for row in wanted}


def given_before(env: Environment, run: str, artifact: str) -> dict[str, Answer]:
    """The answers by row id that a run's artifact was asked for so far; {} if it never was."""
    # A run that was trained twice has two artifacts, and the answers of one say nothing about the other.
    lines = read_lines(env, layout.run_file(run, "predictions.jsonl.gz"))
    return {line["id"]: Answer(line["label"], line["score"]) for line in lines if line["artifact"] == artifact}


@contextmanager
def _loaded(env: Environment, run: str, artifact: str) -> Iterator[Predictor]:
    """The predictor of an artifact, on disk as long as the context lasts. Raises ModelUnreadable."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.tar.gz"
        try:
            _fetch(env, artifact, archive)
            model = extract(archive, Path(folder) / "model")
            predictor = Predictor.load(model, threads=2)
        except (FileNotFoundError, ArtifactError) as error:
            raise ModelUnreadable(f"the model of run {run} at {artifact} cannot be loaded: {error}") from error
        # Before the answers: where those are known, this is too.
        write_json(env, layout.run_file(run, METRICS), json.loads((model / METRICS).read_bytes()))
        yield predictor


def _fetch(env: Environment, artifact: str, to: Path) -> None:
    """Download an artifact. Raises FileNotFoundError if it is gone; S3's other errors may pass, and are tried again."""
    bucket, key = layout.split_uri(artifact)
    s3 = env.client("s3")
    try:
        s3.download_file(bucket, key, str(to))
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "404":
            raise FileNotFoundError("it is not there (404)") from error
        raise
