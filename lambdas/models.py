"""A model's answers on rows: its artifact loaded through the serving predictor, its earlier answers not asked again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from domain import layout
from domain.artifact import METRICS, text_of
from domain.records import Row
from lambdas.environment import Environment
from lambdas.storage import read_lines, write_json, write_lines
from serving.artifact import extract
from serving.manifest import ArtifactError
from serving.predictor import Predictor


class ModelUnreadable(Exception):
    """An artifact cannot be fetched or loaded; the message names the run."""


@dataclass(frozen=True)
class Answer:
    """The served model's first label for a row, and its probability."""

    label: str
    score: float


def answers(env: Environment, run: str, artifact: str, rows: Iterable[Row]) -> dict[str, Answer]:
    """Answers by row id. This artifact's earlier ones are read from `runs/<run>/`: ids stand for texts, so they hold.

    Raises ModelUnreadable.
    """
    known = given_before(env, run, artifact)
    wanted = list(rows)
    missing = [row for row in wanted if row.id not in known]
    if missing:
        texts = [text_of(row.features, env.settings.data.features) for row in missing]
        best = _load_and_predict(env, run, artifact, texts)
        known |= {row.id: answer for row, answer in zip(missing, best, strict=True)}
        lines = [{"id": identity, "artifact": artifact, **asdict(known[identity])} for identity in sorted(known)]
        write_lines(env, layout.run_file(run, "predictions.jsonl.gz"), lines)
    return {row.id: known[row.id] for row in wanted}


def given_before(env: Environment, run: str, artifact: str) -> dict[str, Answer]:
    """The answers by row id that a run's artifact was asked for so far; {} if it never was."""
    # A run that was trained twice has two artifacts, and the answers of one say nothing about the other.
    lines = read_lines(env, layout.run_file(run, "predictions.jsonl.gz"))
    return {line["id"]: Answer(line["label"], line["score"]) for line in lines if line["artifact"] == artifact}


def _load_and_predict(env: Environment, run: str, artifact: str, texts: list[str]) -> list[Answer]:
    bucket, key = layout.split_uri(artifact)
    s3 = env.client("s3")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "model.tar.gz"
        try:
            s3.download_file(bucket, key, str(archive))
            model = extract(archive, Path(folder) / "model")
            predictor = Predictor.load(model, threads=2)
        except (s3.exceptions.ClientError, ArtifactError) as error:
            raise ModelUnreadable(f"the model of run {run} at {artifact} cannot be loaded: {error}") from error
        # Before the answers: where those are known, this is too.
        write_json(env, layout.run_file(run, METRICS), json.loads((model / METRICS).read_bytes()))
        return [Answer(found[0].label, round(found[0].score, 6)) for found in predictor.predict(texts, top_k=1)]
