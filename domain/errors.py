"""Every error that the state machine, the ledger or a person hears of, by name.

PipelineError
├── WrongEvent             a function was asked with another message than the one that it answers
├── NotYetAllowed          AWS denied a call, which it does for minutes after a role was made
├── RunMissing             the ledger has no such run
├── Superseded             the claim is another execution's, or the champion another one than was judged against
├── EpochChanged           settings that an epoch froze were changed
│   └── ReadingChanged     this version of the project reads files by other rules than the epoch's
├── LandingMoved           a file changed while it was read
├── ObjectUnreadable       S3 lists a file and does not give it out
├── DiskFull               what is made of a file is more than the function's disk holds
├── JobStillStopping       an earlier job of this run has not ended yet
├── ModelUnreadable        an artifact cannot be fetched or loaded
├── NotRegistered          the model registry refused a version
├── NotReleased            what was judged is not there, or is not what was judged
├── NotSealed              nobody has noted yet which bytes the champion is
├── NotToBeDeployed        the run has not passed the gate
├── NotApproved            nobody has approved it
├── ApprovedTooLate        another model was promoted since it was judged
├── OrderedTooLate         another model was promoted since a person ordered it
├── NotToBeOrdered         a person ordered what nobody may order
├── RejectedMeanwhile      a person rejected it while it was being deployed
├── EndpointBusy           the endpoint is changing
├── AccountLimitReached    the account's quota does not allow it now
├── VerifyFailed           what answers is not what was judged
├── ConvergenceFailed      the endpoint did not come to serve the champion
├── EndpointNotReady       the endpoint did not come to rest
├── TrainingNotCompleted   the training job ended otherwise
├── RolledBack             the candidate could not go live, and the champion serves again
└── NotAnnounced           a run ended, and nobody was told how
TrainingError              of the training job; it becomes the job's FailureReason
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

Retries and catches (`stacks/`) and the advice to people (`domain/explain.py`) name these classes. What is wrong with a
row or a file is in `domain/data/records.py`, since it ends in a quarantine and not in a failure.
"""

from __future__ import annotations

from domain.data.dataset import Source
from domain.printable import printable


class PipelineError(Exception):
    """A step cannot do what it was asked for. Step Functions knows an error by the name of its class."""


class WrongEvent(PipelineError):
    """A function was asked with something else than the message that it answers; the text says where it differs."""


class NotYetAllowed(PipelineError):
    """AWS denied a call: it tells its services of a new role within minutes, so for minutes it may be asked again."""


class RunMissing(PipelineError):
    """The ledger has no such run."""


class Superseded(PipelineError):
    """This execution no longer holds the claim, or the champion is not the one it judged against."""


class EpochChanged(PipelineError):
    """Settings that an epoch froze were changed without raising `data.epoch`."""


class ReadingChanged(EpochChanged):
    """This version of the project reads files by other rules than those that an epoch's files were read by."""


class LandingMoved(PipelineError):
    """The object changed or went while it was read; the next try sees landing as it is now. `source` is that object."""

    def __init__(self, source: Source) -> None:
        super().__init__(f"{printable(source.key)} changed while it was about to be read")
        self.source = source


class ObjectUnreadable(PipelineError):
    """S3 lists an object and does not give it out, although it gives out others; the message says why and the fix."""


class DiskFull(PipelineError):
    """What is made of a file is more than the function's disk holds; the message says so and the fix."""


class JobStillStopping(PipelineError):
    """An earlier job of this run has not ended yet; two must not write the same checkpoints. Try again later."""


class ModelUnreadable(PipelineError):
    """An artifact cannot be fetched or loaded; the message names the run."""


class NotRegistered(PipelineError):
    """The registry refused a version: a permission, a quota, or a request that it does not take."""


class NotReleased(PipelineError):
    """The archive that was judged is not there, or S3 holds other bytes under its name."""


class NotSealed(PipelineError):
    """The champion is one that an earlier release promoted: nobody has noted yet which bytes it is."""


class NotToBeDeployed(PipelineError):
    """The run did not pass the gate, or it was judged against a champion that another has taken the place of."""


class NotApproved(PipelineError):
    """Nobody has approved this archive, or has taken that back since."""


class ApprovedTooLate(PipelineError):
    """The champion is not the one any more that the approved run was judged against."""


class OrderedTooLate(PipelineError):
    """The champion is not the one any more that a person ordered to be replaced."""


class NotToBeOrdered(PipelineError):
    """The model that a person ordered is not kept, or of another epoch, or was never judged, or waits for approval."""


class RejectedMeanwhile(PipelineError):
    """The run was concluded otherwise while it was on its way: a person rejected what was approved before."""


class EndpointBusy(PipelineError):
    """The endpoint is changing; what is wanted can be asked for when it has come to rest."""


class AccountLimitReached(PipelineError):
    """The account's quota does not allow it now: that says nothing about the model."""


class VerifyFailed(PipelineError):
    """What answers is not what was judged; the message says how it differs."""


class ConvergenceFailed(PipelineError):
    """The endpoint did not come to serve the champion with the deployed settings."""


class EndpointNotReady(PipelineError):
    """The endpoint did not come to rest within the time that the machine waits for it."""


class TrainingNotCompleted(PipelineError):
    """A training job ended neither Completed nor Failed; the message has its status and the reason."""


class RolledBack(PipelineError):
    """A candidate could not go live; the champion, or no endpoint where there is none, is as before."""


class NotAnnounced(PipelineError):
    """The run is concluded and what it decided stands, but its event and notification may not have gone out."""


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
    """The pretrained model cannot read or see what it is given, or pad a batch of it: the message says the fix."""


class GpuMissing(TrainingError):
    """SageMaker counts a GPU but PyTorch does not see one: training would silently crawl on the CPU."""


class NotFinite(TrainingError):
    """A weight of the base model, or a step's loss, is infinite or not a number: nothing can be learned from there."""


class ParityFailed(TrainingError):
    """The exported model answers differently from the trained one."""


class HubUnreachable(TrainingError):
    """The model hub did not answer."""
