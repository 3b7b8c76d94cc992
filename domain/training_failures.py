"""Which failures of a training job another attempt would only pay for again: its data or its settings decide them."""

from __future__ import annotations

import re
from typing import Final

from domain import errors

# `training/train.py` begins the job's failure file with the error's name.
DECIDED: Final = (
    errors.BaseModelUnavailable,
    errors.BaseModelUnfit,
    errors.DatasetIncomplete,
    errors.GpuMissing,
    errors.NotFinite,
    errors.NoTrainingRows,
    errors.NoValidationRows,
    errors.ParityFailed,
    errors.TooFewLabels,
)
# SageMaker's FailureReason is "AlgorithmError: ", the failure file and ", exit code: 1".
_NAMED: Final = re.compile(rf"AlgorithmError: ({'|'.join(error.__name__ for error in DECIDED)}): ")


def is_decided(reason: str) -> bool:
    """Whether `reason`, a job's FailureReason, says that data or settings must change before another attempt."""
    return _NAMED.match(reason) is not None
