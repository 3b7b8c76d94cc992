"""Metrics: their names, how a job's log line states one, and how SageMaker reads it back.

A training job reports through its log alone: `MetricDefinitions` are regular expressions over it. Both sides of that
agreement stand here. So do the names of what Evaluate found, which the dashboard draws.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from domain.measures import BY_KEY

if TYPE_CHECKING:
    from domain.gate.types import Decision

# What training prints -> the metric's name in CloudWatch (namespace /aws/sagemaker/TrainingJobs).
_LEARNING: Final = {
    "progress": "progress",
    "examples_per_second": "examples_per_second",
    "train_loss": "train:loss",
    "learning_rate": "train:learning_rate",
    "validation_loss": "validation:loss",
}
_PARITY: Final = {"onnx_difference": "parity:onnx_difference", "int8_agreement": "parity:int8_agreement"}


def _names(measures: Iterable[str]) -> dict[str, str]:
    """Those of a job whose models are judged by the measures with these keys, in validation and as they are served."""
    keys = list(measures)
    scores = {f"{stage}_{key}": f"{stage}:{key}" for stage in ("validation", "served") for key in keys}
    return {**_LEARNING, **scores, **_PARITY}


# Of all jobs, whatever their task.
NAMES: Final = _names(BY_KEY)

# What `line` prints of a finite number.
_NUMBER: Final = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"


def definitions(measures: Collection[str]) -> list[dict[str, str]]:
    """The MetricDefinitions of a job whose models are judged by the measures with these keys: it states no others.

    CreateTrainingJob's limits: at most 40 definitions, names to 255 characters, expressions to 500, the value in the
    first group (botocore's model of MetricDefinition). No lookarounds: which engine reads them is not documented.
    Neither is whether it reads line by line, so a line begins where the text does or after a line's end: what a label
    says in the middle of a line is no metric.
    """
    return [
        {"Name": name, "Regex": rf"(?:^|[\r\n])metric {key}=({_NUMBER}) step=[0-9]"}
        for key, name in _names(measures).items()
    ]


def line(key: str, value: float, step: int) -> str:
    """The log line that states one metric at an optimizer step, without its newline. Raises KeyError on a new name."""
    if key not in NAMES:
        raise KeyError(f"{key!r} is no known metric: add it to domain/metrics.py")
    return f"metric {key}={value:.6g} step={step}"


def evaluated(who: str, measure: str) -> str:
    """The name of the metric that says what Evaluate found: of "Candidate" or "Champion", by a measure's key.

    Such as CandidateMacroF1.
    """
    return who + "".join(word.capitalize() for word in measure.split("_"))


def of_decision(decision: Decision, measures: Collection[str]) -> dict[str, float]:
    """What Evaluate reports: the models' values of the measures with these keys, by the metric's name."""
    models = {"Candidate": decision.candidate, "Champion": decision.champion}
    return {evaluated(who, key): scores.values[key] for who, scores in models.items() if scores for key in measures}
