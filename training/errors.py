"""Why a training job can fail, by name.

TrainingError
├── DatasetIncomplete      a channel lacks what the version's manifest promises
├── NoTrainingRows         nothing to learn from
├── TooFewLabels           nothing to tell apart
├── NoValidationRows       nothing to choose the best epoch with
├── BaseModelUnavailable   the weights to start from cannot be had
├── GpuMissing             the instance has a GPU that PyTorch cannot use
└── ParityFailed           the exported model does not say what the trained one says
"""

from __future__ import annotations


class TrainingError(Exception):
    """The job cannot end well. The message says what to do; it becomes the job's FailureReason."""


class DatasetIncomplete(TrainingError):
    """A channel does not hold what the dataset version's manifest promises."""


class NoTrainingRows(TrainingError):
    """The train split is empty once duplicates and held-out rows are gone."""


class TooFewLabels(TrainingError):
    """The train split has fewer than two labels."""


class NoValidationRows(TrainingError):
    """The validation split has no row with a label that the train split has."""


class BaseModelUnavailable(TrainingError):
    """The pretrained model cannot be loaded from where the settings say it is."""


class GpuMissing(TrainingError):
    """SageMaker counts a GPU but PyTorch does not see one: training would silently crawl on the CPU."""


class ParityFailed(TrainingError):
    """The exported model answers differently from the trained one."""
