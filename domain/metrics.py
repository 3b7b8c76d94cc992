"""Training metrics: their names, how a log line states one, and how SageMaker reads it back.

A training job reports through its log alone: `MetricDefinitions` are regular expressions over it. Both sides of that
agreement stand here.
"""

from __future__ import annotations

from typing import Final

# What training prints -> the metric's name in CloudWatch (namespace /aws/sagemaker/TrainingJobs).
NAMES: Final = {
    "progress": "progress",
    "examples_per_second": "examples_per_second",
    "train_loss": "train:loss",
    "learning_rate": "train:learning_rate",
    "validation_loss": "validation:loss",
    "validation_accuracy": "validation:accuracy",
    "validation_macro_f1": "validation:macro_f1",
    "served_accuracy": "served:accuracy",
    "served_macro_f1": "served:macro_f1",
    "onnx_difference": "parity:onnx_difference",
    "int8_agreement": "parity:int8_agreement",
}

# What `line` prints of a finite number.
_NUMBER: Final = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
# CreateTrainingJob's limits: at most 40 definitions, names to 255 characters, expressions to 500, the value in the
# first group (botocore's model of MetricDefinition). No lookarounds: which engine reads them is not documented. Neither
# is whether it reads line by line, so a line begins where the text does or after a line's end: what a label says in the
# middle of a line is no metric.
METRIC_DEFINITIONS: Final = [
    {"Name": name, "Regex": rf"(?:^|[\r\n])metric {key}=({_NUMBER}) step=[0-9]"} for key, name in NAMES.items()
]


def line(key: str, value: float, step: int) -> str:
    """The log line that states one metric at an optimizer step, without its newline. Raises KeyError on a new name."""
    if key not in NAMES:
        raise KeyError(f"{key!r} is no known metric: add it to domain.metrics.NAMES")
    return f"metric {key}={value:.6g} step={step}"
