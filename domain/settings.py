"""The settings a user edits in `cdk.json`, and the environment's copy of them that the Lambdas read.

One schema serves both, so a value that synth accepts is a value the pipeline understands.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.data.settings import DataSettings
from domain.section import Fraction, Section, require_fit

# What a task's model answers: one of some labels, or a number.
Kind = Literal["classification", "regression"]
INSTANCE_TYPE: Final = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"


class Hyperparameters(BaseModel):
    """What some task's training takes: the functions hand on whatever it is. A task's own class forbids all else."""

    model_config = ConfigDict(frozen=True, extra="allow")


class AwsImage(NamedTuple):
    """A training image that AWS publishes, by its place in the tables of the SageMaker SDK (`stacks/images.py`).

    `base` is the version of the framework below, as the table writes it, where it has one.
    """

    framework: str
    version: str
    base: str | None
    processor: Literal["cpu", "gpu"]


class TrainingSettings(Section):
    """The training job. A task has its own defaults and `hyperparameters` (`tasks/<task>/settings.py`).

    `base_model` is a hub id with a pinned `base_revision`, or an `s3://bucket/prefix/`. `image` is "auto" (AWS's of the
    region, `aws_image`) or an ECR image URI.
    """

    aws_image: ClassVar[AwsImage] = AwsImage("pytorch", "2.8.0", None, "cpu")

    base_model: str | None = Field(
        None,
        min_length=1,
        description="the pretrained model: a hub id, or an `s3://bucket/prefix/` with its files; null: none",
    )
    base_revision: str | None = Field(None, min_length=1, description="the hub's revision of it, pinned")
    image: str = Field("auto", description="`auto`: the task's image of AWS in the region; or an ECR image URI")
    instance_type: str = Field("ml.m5.xlarge", pattern=INSTANCE_TYPE, description="where it trains")
    instance_count: int = Field(1, ge=1, le=16, description="on how many of them")
    spot: bool = Field(True, description="on Spot instances")
    on_demand_max_usd_per_hour: float = Field(
        0.0, ge=0, description="without Spot capacity, train on demand if an hour costs no more than this; 0: never"
    )
    max_run_seconds: int = Field(7200, ge=60, le=432_000, description="how long a job may train")
    max_wait_seconds: int = Field(
        14_400,
        ge=60,
        le=432_000,
        description="how long it may take with waiting for Spot capacity; at least `max_run_seconds`",
    )
    hyperparameters: Hyperparameters = Hyperparameters()

    @property
    def base_uri(self) -> str | None:
        """Where in S3 the base model's files are, if they are there: `s3://bucket/prefix/`."""
        return self.base_model if self.base_model and self.base_model.startswith("s3://") else None

    def problems(self) -> list[str]:
        """What is wrong that only a look around on this machine can say, each as a sentence for a person."""
        return []

    @model_validator(mode="after")
    def _names_fit_a_hyperparameter(self) -> TrainingSettings:
        for name in ("base_model", "base_revision"):
            require_fit(f"{name} takes", getattr(self, name), "take a shorter one")
        return self

    @model_validator(mode="after")
    def _waits_at_least_as_long_as_it_runs(self) -> TrainingSettings:
        # SageMaker refuses a Spot job whose MaxWaitTime is below its MaxRuntime.
        if self.spot and self.max_wait_seconds < self.max_run_seconds:
            raise ValueError("max_wait_seconds must be at least max_run_seconds for Spot training")
        return self


class GateSettings(Section):
    """When a candidate may replace the live model (`domain/gate/decision.py` says how each is used).

    Of classification a loss is in points of accuracy and macro-F1; of regression it is a share of the live model's
    error, so that 0.05 allows 5% more. R² counts by the root of 1 - R².
    """

    min_accuracy: Fraction = Field(0.75, description="the least accuracy on held-out rows that may go live")
    min_macro_f1: Fraction = Field(0.7, description="the least mean of the labels' F1 scores that may go live")
    max_mae: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="regression: the largest mean absolute error that may go live; null: any",
    )
    max_rmse: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="regression: the largest root mean squared error that may go live; null: any",
    )
    min_r2: float | None = Field(
        None, le=1, allow_inf_nan=False, description="regression: the least R² that may go live; null: any"
    )
    max_drop: Fraction = Field(
        0.0,
        description="the largest observed loss, against the live model, that is still promoted: in points of accuracy "
        "and macro-F1; for regression, as all losses, a share of the live model's error",
    )
    margin: Fraction = Field(
        0.05,
        description="the true loss must be below this with 95% confidence",
    )
    min_harm: Fraction = Field(
        0.01,
        description="the smallest loss that puts new data on hold, if the candidate is worse with 99% confidence",
    )
    max_label_drop: Fraction = Field(0.1, description="the largest loss on one label or slice")
    max_total_drop: Fraction = Field(0.02, description="the largest loss since the epoch's first model")
    approval: Literal["auto", "manual"] = Field(
        "auto", description="`auto`, or `manual`: a model that passed waits for a person"
    )
    min_test_rows: int = Field(50, ge=1, description="with fewer held-out rows no model is promoted")
    max_test_rows: int = Field(
        20_000, ge=1, le=200_000, description="the most held-out rows that models are judged on; of more a fixed sample"
    )
    min_label_test_rows: int = Field(
        10, ge=1, description="a label with fewer held-out rows does not count towards macro-F1"
    )

    @model_validator(mode="after")
    def _judges_by_enough_rows(self) -> GateSettings:
        # Fewer rows judged than needed would keep every champion for ever.
        if self.max_test_rows < self.min_test_rows:
            raise ValueError("max_test_rows must be at least min_test_rows")
        return self


class ScreenSettings(Section):
    """The look at a new file before it is trained on (`domain/gate/screen.py`): the live model reads `sample_rows`.

    `tolerance` is how much more often than on accepted data it may disagree with the labels.
    """

    enabled: bool = Field(True, description="whether new files are looked at before they are trained on")
    sample_rows: int = Field(500, ge=30, le=5_000, description="rows of each new file that the live model reads")
    tolerance: Fraction = Field(0.05, description="how much more than on accepted data it may disagree with the labels")


class ServingSettings(Section):
    """The Serverless endpoint. `image` is "build" (our Dockerfile, at deploy) or an ECR image URI."""

    image: str = Field("build", description="`build`: serving/Dockerfile, at deploy; or an ECR image URI")
    memory_mb: Literal[1024, 2048, 3072] = Field(2048, description="the endpoint's memory, in MB")
    # 10 in all is what many accounts have (quota L-96300102): 4 live, 4 that replace them, 1 in rehearsal.
    max_concurrency: int = Field(
        4,
        ge=1,
        le=200,
        description="requests that are answered at once, Verify's own among them; "
        "a replacement needs as many again, out of the account's quota",
    )
    provisioned_concurrency: int = Field(
        0, ge=0, le=200, description="containers that are kept warm, which costs while nobody asks"
    )

    @model_validator(mode="after")
    def _provisions_within_its_concurrency(self) -> ServingSettings:
        if self.provisioned_concurrency > self.max_concurrency:
            raise ValueError("provisioned_concurrency must be at most max_concurrency")
        return self


class OperationsSettings(Section):
    """How the pipeline is watched and how often it tries again."""

    sweep_hours: int = Field(24, ge=1, le=168, description="hours between sweeps, which find what no event told of")
    max_attempts: int = Field(3, ge=1, le=10, description="how often a dataset is tried before it is given up")
    log_retention_days: Literal[1, 3, 7, 14, 30, 60, 90, 365] = Field(30, description="how long logs are kept")
    dashboard: bool = Field(True, description="whether there is a CloudWatch dashboard")


class Settings(Section):
    """Everything a user may set. Unknown keys and values out of range are refused by name."""

    # Bucket names end in "-data-<account>-<region>" and S3 allows 63 characters in all.
    project: str = Field(
        "automate-mlops",
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        min_length=2,
        max_length=20,
        description="prefix of all names; one pipeline each",
    )
    notify_email: str = Field(
        "", pattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$", description="who hears of verdicts and failures; empty: nobody"
    )
    task: str = Field(
        "text",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="what is learned: the name of a folder in `tasks/`",
    )
    data: DataSettings = DataSettings()
    screen: ScreenSettings = ScreenSettings()
    training: TrainingSettings = TrainingSettings()
    gate: GateSettings = GateSettings()
    serving: ServingSettings = ServingSettings()
    operations: OperationsSettings = OperationsSettings()


# Settings, as section and name, that mean something to one kind of task alone.
_OF_ONE_KIND: Final[dict[Kind, tuple[tuple[str, str], ...]]] = {
    "classification": (
        ("data", "labels"),
        ("data", "min_label_rows"),
        ("gate", "min_accuracy"),
        ("gate", "min_macro_f1"),
        ("gate", "min_label_test_rows"),
    ),
    "regression": (("gate", "max_mae"), ("gate", "max_rmse"), ("gate", "min_r2")),
}


def check(kind: Kind, settings: Settings) -> None:
    """Raises ValueError, naming it, for a setting that says something and belongs to tasks of another kind than `kind`.

    One with its default says nothing: the functions' copy of the settings spells all of them out.
    """
    for other, names in _OF_ONE_KIND.items():
        for section, name in names if other != kind else ():
            found = getattr(settings, section)
            if getattr(found, name) != type(found).model_fields[name].default:
                raise ValueError(f"{section}.{name} is for {other}, and the task is one of {kind}: leave it out")
