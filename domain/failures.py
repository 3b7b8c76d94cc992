"""Which failures of a training job another attempt would only pay for again: its data or its settings decide them."""

from __future__ import annotations

import re
from typing import Final

# Errors of `training/errors.py`, by name: `training/train.py` begins the job's failure file with it.
DECIDED: Final = (
    "BaseModelUnavailable",
    "BaseModelUnfit",
    "DatasetIncomplete",
    "GpuMissing",
    "NotFinite",
    "NoTrainingRows",
    "NoValidationRows",
    "ParityFailed",
    "TooFewLabels",
)
# SageMaker's FailureReason is "AlgorithmError: ", the failure file and ", exit code: 1".
_NAMED: Final = re.compile(rf"AlgorithmError: ({'|'.join(DECIDED)}): ")


def is_decided(reason: str) -> bool:
    """Whether `reason`, a job's FailureReason, says that data or settings must change before another attempt."""
    return _NAMED.match(reason) is not None
