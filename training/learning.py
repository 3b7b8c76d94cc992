"""The Trainer of this project: batches of like length, weighted labels, macro-F1 decides.

Everything random is a function of the seed and the position in training, so that a resumed run is the uninterrupted
one: bit for bit on a CPU.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from transformers import (
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_pt_utils import get_length_grouped_indices

from domain.errors import GpuMissing, NotFinite
from domain.gate.scores import score
from training.arguments import Places
from training.callbacks import Checkpoints, Patience, Report, is_stalled
from training.checkpoints import state_of

# Beyond this ratio of the most frequent to the rarest label, the loss is weighted.
_BALANCED: Final = 1.5
_LOGS_PER_TRAINING: Final = 50
# What the Trainer logs -> what it is.
_LOSSES: Final = {"loss": "loss", "train_loss": "loss", "eval_loss": "validation loss"}
# After PyTorch's own, which end at 23 (torch/serialization.py).
_PRIORITY: Final = 100
_CPU: Final = re.compile(r"cpu:\d+")


@dataclass(frozen=True)
class FineTuning:
    """The hyperparameters that all fine-tuning takes; `tasks/fine_tuning.py` says their ranges and defaults."""

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    warmup_ratio: float
    weight_decay: float
    patience: int
    checkpoint_minutes: float


class Examples(NamedTuple):
    """What is learned from: `rows` as the Trainer takes them, with the label and the length of each.

    With `numbered`, row r of epoch e is asked for as e * len(rows) + r: so who gives it knows the epoch, too.
    """

    rows: Any
    labels: Sequence[int]
    lengths: Sequence[int]
    numbered: bool = False


class ByLength(torch.utils.data.Sampler[int]):
    """Row indices shuffled so that a batch has rows of like length; the order follows from seed and epoch alone.

    The Trainer's own sampler draws from the global generator, whose state a resumed epoch no longer has. `steps_done`
    counts the batches trained on, of `batch_size` rows by all processes together: the epoch follows from it. What
    accelerate tells a sampler of the epoch (`set_epoch`) is wrong after a resume in its version 1.10.1, of AWS's image.
    `numbered` is that of `Examples`.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        steps_done: Callable[[], int],
        *,
        numbered: bool = False,
    ) -> None:
        self.lengths, self.batch_size, self.seed, self.steps_done = list(lengths), batch_size, seed, steps_done
        self.numbered = numbered

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        # The Trainer draws the epoch's first row after it has counted the last step of the epoch before.
        epoch = self.steps_done() // -(-len(self.lengths) // self.batch_size)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        rows = get_length_grouped_indices(self.lengths, self.batch_size, generator=generator)
        first = epoch * len(rows) if self.numbered else 0
        return (first + row for row in rows)


class SampledTrainer(Trainer):
    """The Trainer with rows in our own order, that goes on from no loss that is not finite.

    To look at a loss, the host has to wait for the device; so it looks where it waits anyway: when something is
    logged, and before each checkpoint, which is also what training ends with.
    """

    def __init__(self, examples: Examples, **given: Any) -> None:
        """`given` are the Trainer's own arguments, beside its rows."""
        self._examples = examples
        super().__init__(train_dataset=examples.rows, **given)
        # The losses since the last look, added up: one that is not finite makes the sum so.
        self._unseen = torch.zeros((), device=self.args.device)

    def _get_train_sampler(self, _train_dataset: Any = None) -> ByLength:
        # Of all processes together, so that a batch has the same rows however many machines share it.
        batch_size = self.args.train_batch_size * self.args.world_size
        _, _, lengths, numbered = self._examples
        return ByLength(lengths, batch_size, self.args.seed, lambda: self.state.global_step, numbered=numbered)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """The loss of one step, on the device."""
        loss: torch.Tensor = super().training_step(*args, **kwargs)
        self._unseen += loss
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """What the Trainer says of a few steps, a validation or the whole training. Raises NotFinite."""
        for name, what in _LOSSES.items():
            self._check(what, logs.get(name, 0.0))
        super().log(logs, *args, **kwargs)

    def check_losses(self) -> None:
        """Look at the losses of all processes, which have to ask together. Raises NotFinite, in each of them."""
        self._check("loss", float(self.accelerator.gather(self._unseen).sum()))
        self._unseen.zero_()

    def _check(self, what: str, loss: float) -> None:
        if not math.isfinite(loss):
            raise NotFinite(
                f"the {what} is {loss} at step {self.state.global_step}: lower "
                f"training.hyperparameters.learning_rate ({self.args.learning_rate}), or choose another base_model"
            )


def build(
    run: str,
    tuning: FineTuning,
    places: Places,
    model: PreTrainedModel,
    train: Examples,
    validation: Any,
    collator: Callable[..., Any],
    checkpoint: Path | None,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> SampledTrainer:
    """A Trainer for two splits, to be started with `fit(trainer, checkpoint)`.

    `collator` makes a batch of rows; a `tokenizer` is kept with each checkpoint. It ends with the best epoch's weights
    in `model`. Raises GpuMissing; its training NotFinite.
    """
    device = device_of(places)
    options = options_for(device, tuning, places, checkpoint)
    if device == "cpu":
        _know_numbered_cpus()
    trainer: SampledTrainer = SampledTrainer(
        train,
        model=model,
        args=options,
        data_collator=collator,
        eval_dataset=validation,
        processing_class=tokenizer,
        compute_loss_func=weighted_loss(class_weights(train.labels, model.config.num_labels), options.device),
        compute_metrics=_scores,
    )
    longest = 60 * tuning.checkpoint_minutes
    for callback in (
        Checkpoints(places.checkpoints, run, places.processes, longest, trainer.check_losses),
        Patience(tuning.patience),
        Report(),
    ):
        trainer.add_callback(callback)  # type: ignore[no-untyped-call]
    trainer.remove_callback(PrinterCallback)  # type: ignore[no-untyped-call]
    return trainer


def fit(trainer: Trainer, checkpoint: Path | None) -> None:
    """Train from `checkpoint`, or from the beginning; processes that trained together part here. Raises NotFinite."""
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        # A thread of it that outlives the interpreter aborts the process: github.com/pytorch/pytorch/pull/179291.
        torch.distributed.destroy_process_group()


def device_of(places: Places) -> str:
    """What is trained on: "cuda" or "cpu". Raises GpuMissing."""
    if torch.cuda.is_available():
        return "cuda"
    if places.gpus:
        raise GpuMissing(
            f"this instance has {places.gpus} GPU(s) that PyTorch {torch.__version__} cannot use: "
            "the driver is too old for the image's CUDA. Set training.image to one with an older CUDA"
        )
    return "cpu"


def options_for(device: str, tuning: FineTuning, places: Places, checkpoint: Path | None) -> TrainingArguments:
    """The Trainer's own settings on a `device`: "cuda" or "cpu"."""
    return TrainingArguments(
        output_dir=str(places.checkpoints),
        num_train_epochs=_epochs(tuning, checkpoint),
        per_device_train_batch_size=tuning.batch_size,
        # As many rows as in training fit without its gradients; more might not.
        per_device_eval_batch_size=tuning.batch_size,
        learning_rate=tuning.learning_rate,
        warmup_ratio=tuning.warmup_ratio,
        weight_decay=tuning.weight_decay,
        optim="adamw_torch_fused",
        seed=tuning.seed,
        data_seed=tuning.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        logging_steps=1 / _LOGS_PER_TRAINING,
        # It would look at the loss of each step, and put a mean of others in the place of one that is not a number.
        logging_nan_inf_filter=False,
        use_cpu=device == "cpu",
        # A T4 (ml.g4dn) has fp16 and no bf16.
        fp16=device == "cuda",
        dataloader_pin_memory=device == "cuda",
        report_to=[],
        disable_tqdm=True,
    )


def measured(trainer: Trainer) -> dict[str, Any]:
    """The best validation, the steps and the curves (`Learner.metrics` of `tasks/contract.py`)."""
    state = trainer.state
    return {"validation": best(trainer), "steps": state.global_step, "curves": curves(state.log_history)}


def best(trainer: Trainer) -> dict[str, float]:
    """The best validation's scores, with the step and the epoch it followed."""
    (entry,) = (
        entry
        for entry in trainer.state.log_history
        if "eval_macro_f1" in entry and entry["step"] == trainer.state.best_global_step
    )
    names = ("step", "epoch", "eval_loss", "eval_accuracy", "eval_macro_f1")
    return {name.removeprefix("eval_"): entry[name] for name in names}


def curves(history: Sequence[Mapping[str, Any]], most: int = 100) -> list[dict[str, float]]:
    """The Trainer's `log_history` as points {"step", "loss"} and {"step", "accuracy", "macro_f1", …} for a picture.

    Of each kind at most `most`, evenly thinned, the last one always among them.
    """
    losses = [{"step": entry["step"], "loss": entry["loss"]} for entry in history if "loss" in entry]
    names = ("eval_loss", "eval_accuracy", "eval_macro_f1")
    validations = [
        {"step": entry["step"], **{name.replace("eval_", "validation_"): entry[name] for name in names}}
        for entry in history
        if "eval_macro_f1" in entry
    ]
    return [point for points in (losses, validations) for point in points[::-1][:: -(-len(points) // most) or 1][::-1]]


def class_weights(labels: Sequence[int], classes: int) -> torch.Tensor | None:
    """Weights inverse to each label's frequency, with a mean of 1 over rows; None if labels are balanced enough."""
    counts = Counter(labels)
    if max(counts.values()) <= _BALANCED * min(counts.values()):
        return None
    return torch.tensor([len(labels) / (classes * counts[label]) for label in range(classes)])


def weighted_loss(weights: torch.Tensor | None, device: torch.device | str = "cpu") -> Callable[..., torch.Tensor]:
    """Cross-entropy with each row weighted by its label, for the Trainer's `compute_loss_func` on a `device`."""
    weight = None if weights is None else weights.to(device)

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None) -> torch.Tensor:
        logits = outputs["logits"]
        total = torch.nn.functional.cross_entropy(logits.float(), labels, weight=weight, reduction="sum")
        # PyTorch's own mean divides by the sum of weights, which would undo them in a batch of one label.
        return total / (len(labels) if num_items_in_batch is None else num_items_in_batch)

    return loss


def _epochs(tuning: FineTuning, checkpoint: Path | None) -> int:
    """Epochs to train: those asked for, or those done if the checkpoint was written as training stopped early."""
    if checkpoint is not None:
        state = state_of(checkpoint)
        if is_stalled(state["log_history"], tuning.patience):
            epoch: float = state["epoch"]
            return round(epoch)
    return tuning.epochs


@cache
def _know_numbered_cpus() -> None:
    """Under torchrun, accelerate calls a CPU "cpu:0", where the Trainer loads a checkpoint to: torch.load only knows
    "cpu", and could resume none.
    """
    torch.serialization.register_package(
        _PRIORITY, lambda _storage: None, lambda storage, location: storage if _CPU.fullmatch(location) else None
    )


def _scores(prediction: EvalPrediction) -> dict[str, float]:
    guesses = np.argmax(prediction.predictions, axis=-1)
    result = score([str(label) for label in prediction.label_ids], [str(guess) for guess in guesses])
    return {"accuracy": result.accuracy, "macro_f1": result.macro_f1}
