"""What happens beside the Trainer's steps: checkpoints are sealed, metrics printed, a stalled training is stopped."""

# ruff: noqa: ARG002 (the Trainer dictates the signatures)

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch
from accelerate.utils import broadcast
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training import checkpoints
from training.report import report

# The Trainer's names -> ours.
_LOGGED: Final = {
    "loss": "train_loss",
    "learning_rate": "learning_rate",
    "eval_loss": "validation_loss",
    "eval_accuracy": "validation_accuracy",
    "eval_macro_f1": "validation_macro_f1",
}
# In steps: where several processes train together, a checkpoint may be late by so many.
_ASKED_EVERY: Final = 10


def is_stalled(history: Sequence[Mapping[str, Any]], patience: int) -> bool:
    """Whether the last `patience` validations in the Trainer's `log_history` brought no better macro-F1.

    A function of the history alone, which every checkpoint holds: a resumed run stops where an uninterrupted one does.
    """
    scores = [entry["eval_macro_f1"] for entry in history if "eval_macro_f1" in entry]
    return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= patience


class Patience(TrainerCallback):
    """Stops when macro-F1 has not improved for `patience` validations."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """After each validation."""
        if is_stalled(state.log_history, self.patience):
            print(f"no better macro-F1 in {self.patience} validations: stopping early", flush=True)
            control.should_training_stop = True


class Checkpoints(TrainerCallback):
    """Saves when it is time, besides the Trainer's save after each epoch; seals what was saved, and prunes.

    `longest` is the time between two checkpoints in seconds, at most. `check` is called before each is written, by all
    processes, and raises if there is nothing worth keeping.
    """

    def __init__(self, root: Path, run: str, processes: int, longest: float, check: Callable[[], None]) -> None:
        self.root, self.run, self.processes, self.longest, self.check = root, run, processes, longest, check
        self._took: float | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Before the first step, or the first one after an interruption."""
        if state.is_local_process_zero:
            # The Trainer's processes have met by now, so each has chosen the checkpoint it resumed from.
            checkpoints.remove_unusable(self.root, self.run, self.processes)
        self._name_best(state)
        self._ended = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Between epochs' ends, where the Trainer saves after it has validated."""
        steps_per_epoch = state.max_steps // state.num_train_epochs
        if state.global_step % steps_per_epoch != 0 and self._is_due(args, state):
            self._begin()
            control.should_save = True

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The Trainer saves next."""
        self._begin()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Every file of the checkpoint is written."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            # Each process writes the state of its own generators.
            torch.distributed.barrier()
        if state.is_world_process_zero:
            checkpoints.seal(checkpoints.path_of(self.root, state.global_step), self.run, self.processes)
        if state.is_local_process_zero:
            checkpoints.prune(self.root)
        self._name_best(state)
        self._ended = time.monotonic()
        self._took = self._ended - self._began
        if state.is_world_process_zero:
            print(f"checkpoint-{state.global_step} took {self._took:.2f} s", flush=True)

    def _is_due(self, args: TrainingArguments, state: TrainerState) -> bool:
        """Whether all processes save now: the first one's clock says so, since they would wait for one that does not.

        To hear of it, a GPU has to finish what it was given; so they ask only every so many steps.
        """
        is_due = time.monotonic() - self._ended >= checkpoints.wait(self._took, self.longest)
        if args.world_size == 1:
            return is_due
        if state.global_step % _ASKED_EVERY != 0:
            return False
        return bool(broadcast(torch.tensor(int(is_due), device=args.device)))

    def _begin(self) -> None:
        # Before the clock starts: it waits for the device, which is no part of what writing takes.
        self.check()
        self._began = time.monotonic()

    def _name_best(self, state: TrainerState) -> None:
        """Name the best checkpoint by its path here.

        A state that was loaded has its path on the machine that wrote it. The Trainer itself names only one that it
        sees: a process on another machine, or one that looks before the first has made the folder, would name none.
        Whether one is named decides whether a process waits for the others at the end: if some do not, all hang or die.
        """
        if state.best_global_step:
            state.best_model_checkpoint = str(checkpoints.path_of(self.root, state.best_global_step))


class Report(TrainerCallback):
    """Prints metrics whenever the Trainer logs."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Speed counts from here."""
        self.since, self.step = time.monotonic(), state.global_step

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] = MappingProxyType({}),
        **kwargs: Any,
    ) -> None:
        """`logs` come from a training step, a validation or the end."""
        if not state.is_world_process_zero:
            return
        for theirs, ours in _LOGGED.items():
            if theirs in logs:
                report(ours, logs[theirs], state.global_step)
        now, steps = time.monotonic(), state.global_step - self.step
        if "loss" in logs and steps:
            rows = steps * args.train_batch_size * args.world_size
            report("examples_per_second", rows / max(now - self.since, 1e-9), state.global_step)
            report("progress", state.global_step / state.max_steps, state.global_step)
        self.since, self.step = now, state.global_step
