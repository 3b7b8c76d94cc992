"""Why a training job can fail, by name.

TrainingError
├── DatasetIncomplete      a channel lacks what the version's manifest promises
├── NoTrainingRows         nothing to learn from
├── TooFewLabels           nothing to tell apart
├── NoValidationRows       nothing to choose the best epoch with
├── BaseModelUnavailable   the weights to start from are not where the settings say
├── BaseModelUnfit         they are there, but cannot be trained as the settings say
├── GpuMissing             the instance has a GPU that PyTorch cannot use
├── NotFinite              a weight or a loss is infinite or no number
├── ParityFailed           the exported model does not say what the trained one says
└── HubUnreachable         the hub did not answer: another attempt may succeed

All but the last are decided by data and settings, so a run ends with them (`domain/failures.py`).
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
    """The pretrained model is not where the settings say it is, or is no model that can be loaded."""


class BaseModelUnfit(TrainingError):
    """The pretrained model cannot pad a batch, read so many tokens, or embed what its tokenizer makes."""


class GpuMissing(TrainingError):
    """SageMaker counts a GPU but PyTorch does not see one: training would silently crawl on the CPU."""


class NotFinite(TrainingError):
    """A weight of the base model, or a step's loss, is infinite or not a number: nothing can be learned from there."""


class ParityFailed(TrainingError):
    """The exported model answers differently from the trained one."""


class HubUnreachable(TrainingError):
    """The model hub did not answer."""
