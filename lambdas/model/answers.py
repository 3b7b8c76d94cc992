"""A model's answers on rows: its archive loaded through the serving predictor, its earlier answers not asked again.

Answers are kept by the archive's URI. Below released/ that says which bytes answered.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import tasks
from domain import layout
from domain.artifact import MANIFEST, METRICS, ArtifactError, sha256_file
from domain.data.records import Row
from domain.errors import ModelUnreadable
from domain.state import Run, Seal
from lambdas.environment import Environment
from lambdas.model import archives
from lambdas.storage import read_lines, write_json, write_lines
from serving.artifact import extract
from serving.loading import load
from serving.manifest import read_manifest
from tasks.contract import Predictor

# Rows, some minutes of the longest texts: Evaluate has 15 of them.
_KEPT_EVERY: Final = 2_000
# Below /tmp.
_FOLDER: Final = "model-at-hand"


class Answer(NamedTuple):
    """The served model's first label for a row and its probability; or what is predicted, and the number."""

    label: str
    score: float


@dataclass(frozen=True)
class Model:
    """A model on this machine's disk: its archive, what was unpacked of exactly that, and what it is known by."""

    archive: Path
    folder: Path
    seal: Seal


def answers(
    env: Environment, run: str, artifact: str, rows: Iterable[Row], model: Model | None = None
) -> dict[str, Answer]:
    """Answers by row id. This artifact's earlier ones are read from `runs/<run>/`: ids stand for texts, so they hold.

    `artifact` is the archive's URI; it is fetched if anything is to be asked of it and it is not the `model` at hand.
    Answers are written every so many rows: a function that runs out of time is invoked again, and goes on from there.
    Raises ModelUnreadable.
    """
    known, labels = given_before(env, run, artifact), tasks.kind(env.settings.task) == "classification"
    wanted = list(rows)
    missing = [row for row in wanted if row.id not in known]
    if missing:
        with nullcontext(model) if model else fetched(env, run, artifact) as found:
            predictor = _loaded(run, artifact, found)
            for start in range(0, len(missing), _KEPT_EVERY):
                some = missing[start : start + _KEPT_EVERY]
                said = predictor.best([row.features for row in some])
                best = [Answer(one.label, round(one.score, 6) if labels else one.score) for one in said]
                known |= {row.id: answer for row, answer in zip(some, best, strict=True)}
                lines = [{"id": row, "artifact": artifact, **known[row]._asdict()} for row in sorted(known)]
                write_lines(env, layout.run_file(run, "predictions.jsonl.gz"), lines)
    return {row.id: known[row.id] for row in wanted}


def given_before(env: Environment, run: str, artifact: str) -> dict[str, Answer]:
    """The answers by row id that a run's artifact was asked for so far; {} if it never was."""
    # A run that was trained twice has two artifacts, and the answers of one say nothing about the other.
    lines = read_lines(env, layout.run_file(run, "predictions.jsonl.gz"))
    return {line["id"]: Answer(line["label"], line["score"]) for line in lines if line["artifact"] == artifact}


@contextmanager
def fetched(env: Environment, run: str, artifact: str) -> Iterator[Model]:
    """The model of an archive (a URI), on disk as long as the context lasts. Raises ModelUnreadable.

    One from below released/ has the SHA-256 that its key says.
    """
    with _emptied() as folder:
        archive = folder / "model.tar.gz"
        try:
            _fetch(env, artifact, archive)
            found, wanted = sha256_file(archive), layout.released_archive(layout.split_uri(artifact)[1])
            if wanted and found != wanted:
                raise ArtifactError(f"its SHA-256 is {found}")
            unpacked = extract(archive, folder / "model")
        except (FileNotFoundError, ArtifactError) as error:
            raise _unreadable(run, artifact, error) from error
        yield Model(archive, unpacked, Seal(found, sha256_file(unpacked / MANIFEST)))


@contextmanager
def _emptied() -> Iterator[Path]:
    """The folder of the one model that this function has on its disk, empty at first; it goes with the context.

    Its name is always the same, so what a killed invocation left there goes, too: Lambda keeps /tmp for the next one
    (AWS Lambda Developer Guide, "Lambda execution environment", on its reset), and two large models fill it.
    """
    folder = Path(tempfile.gettempdir()) / _FOLDER
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def sealed(env: Environment, run: Run, artifact: str, model: Model) -> str:
    """Write a candidate's very archive below released/, and its metrics beside its receipt; its URI from now on.

    Raises ModelUnreadable for a model that does not say that it is of this run and its dataset.
    """
    try:
        manifest = read_manifest(model.folder)
        said = {"run": (manifest.run, run.run), "dataset": (manifest.dataset, run.dataset)}
        for name, (found, wanted) in said.items():
            if found != wanted:
                raise ArtifactError(f"its manifest says {name} {found}, and it should be {wanted}")
        metrics = json.loads((model.folder / METRICS).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError, ArtifactError) as error:
        raise _unreadable(run.run, artifact, error) from error
    archives.write(env, model.archive, model.seal.archive)
    write_json(env, layout.run_file(run.run, METRICS), metrics)
    return archives.uri(env, model.seal.archive)


def _loaded(run: str, artifact: str, model: Model) -> Predictor:
    try:
        return load(model.folder, threads=2, sealed=model.seal.manifest)
    except (FileNotFoundError, ArtifactError) as error:
        raise _unreadable(run, artifact, error) from error


def _unreadable(run: str, artifact: str, error: Exception) -> ModelUnreadable:
    return ModelUnreadable(f"the model of run {run} at {artifact} cannot be loaded: {error}")


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
