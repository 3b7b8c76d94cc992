"""What each module of a task's folder gives to the rest, and what it is given. Types alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from domain.artifact import Manifest
    from domain.data.records import Column
    from domain.data.settings import DataSettings
    from domain.gate.types import Value
    from domain.settings import Kind
    from training.arguments import Arguments, Places
    from training.data import Splits


class Prediction(NamedTuple):
    """One label with its score: its probability, if nothing else was asked for.

    Of regression it is the name of what is predicted, and the number: as HuggingFace's pipelines say it.
    """

    label: str
    score: float


class PredictionError(Exception):
    """The model failed on valid input: our fault, never the client's."""


class RowOf(Protocol):
    """`row.py`: pure."""

    @property
    def MEASURES(self) -> Mapping[Kind, tuple[str, ...]]:  # noqa: N802 (a constant of the module)
        """By the kinds that the task comes in: the keys of the measures that its models are judged by."""

    def columns(self, data: DataSettings) -> tuple[Column, ...] | None:
        """The columns of a row that the model reads; None where the settings leave that to the first file.

        What that says is asked again, with all `features` and their `types`. Raises ValueError for settings that the
        task cannot use.
        """

    def asked(self, features: Mapping[str, str], names: Sequence[str]) -> Any:
        """A row as an item of a request's `inputs`, JSON-ready. Raises KeyError if the row lacks a feature."""


class ReadTable(Protocol):
    """The project's reader of tables, for a table that lies within what was dropped."""

    def __call__(self, key: str, body: IO[bytes], columns: list[str]) -> Iterator[tuple[int, Any]]:
        """(place, row) for each row of the CSV or JSON lines that `key` names, `columns` of which must be there.

        A row is a mapping, or what is wrong with it (`domain.data.records.Rejected`), or words for a person. Raises
        FileRejected.
        """


class Read(Protocol):
    """`read.py`: it runs in Prepare alone, with `requirements-read.txt`. A task whose files are tables has none."""

    @property
    def FROZEN(self) -> Mapping[str, str]:  # noqa: N802 (a constant of the module)
        """What a row's id and split depend on beside the settings: an epoch freezes it."""

    def rows(self, key: str, body: IO[bytes], data: DataSettings, read_table: ReadTable) -> Iterator[tuple[int, Any]]:
        """(place, row) for each row of what was dropped as `key`, as `read_table` gives them.

        `body` is a stream that is read once. Raises FileRejected for what cannot be used, or not read any further.
        """


class Predictor(Protocol):
    """A loaded model. Safe to share between threads."""

    manifest: Manifest

    def respond(self, content_type: str, body: bytes, media_type: str) -> tuple[bytes, Mapping[str, object]]:
        """The answer to a request in `media_type`, and what is said of it in the custom attributes.

        Raises ClientError, PredictionError.
        """

    def best(self, rows: Sequence[Mapping[str, str]]) -> list[Prediction]:
        """The first label of each row (its features by name). Raises PredictionError."""

    def ping(self) -> None:
        """Ask the model something. Raises PredictionError."""


class Predict(Protocol):
    """`predict.py`: slim, it runs in serving, Screen and Evaluate."""

    def load(self, folder: Path, manifest: Manifest, verify: Callable[[], None], threads: int) -> Predictor:
        """The model of an unpacked artifact, which answers `threads` rows at once.

        `verify` compares the files with their checksums: it is called once, in this thread, and what it raises goes
        before what is wrong with a file otherwise. Raises ArtifactError, or OSError for a file that cannot be read.
        """


class Proof(NamedTuple):
    """How the packaged model answers validation rows: their truths and answers, and how close it is to the trained.

    `reported` are numbers of that which the job's log tells SageMaker (keys of `domain/metrics.py`).
    """

    truths: Sequence[Value]
    answers: Sequence[Value]
    parity: Mapping[str, Any]
    reported: Mapping[str, float]


class Learner(Protocol):
    """One training, from loaded rows to a packaged model; its methods are called in this order."""

    def train(self, checkpoint: Path | None) -> None:
        """Learn, from a checkpoint on if there is one. Raises TrainingError."""

    def is_first(self) -> bool:
        """Whether this process is the one of several that packages the model."""

    def export(self, scratch: Path) -> None:
        """Make the files that are served, below `scratch`, and keep the trained model for people."""

    def prove(self) -> Proof:
        """Compare what is served with what was trained, on validation rows. Raises ParityFailed."""

    def files(self) -> Mapping[str, Path]:
        """The artifact's files by their names in it; each is copied."""

    def own(self) -> Mapping[str, Any]:
        """What the manifest says for this task alone."""

    def metrics(self) -> Mapping[str, Any]:
        """What the training measured: `validation` (the best one's scores), `steps` and `curves`.

        A point of the curves has its `step`, and of `loss`, `validation_loss` and a measure's `validation_<key>` what
        was measured there. Where columns can be told apart, `importances` are [{"column", "measure", "loss"}]: by how
        much the measure of that key is worse on validation rows without what the column says, the most important first.
        """


class Train(Protocol):
    """`train.py`: heavy, it runs in the training job alone."""

    @property
    def Hyperparameters(self) -> type[Any]:  # noqa: N802 (a class of the module)
        """What the job is given beside what every job is: a dataclass of numbers and texts, without defaults."""

    def learner(self, arguments: Arguments, places: Places, splits: Splits) -> Learner:
        """A model that is ready to learn from `splits`. Raises TrainingError."""
