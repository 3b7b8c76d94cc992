"""Following an execution live: a moving picture on a terminal, one line per finished step everywhere else."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ops.console import seconds, styled
from ops.deployment import Deployment
from ops.execution import Outcome, Stage, look
from ops.job import JobView

_NAME_WIDTH, _TIME_WIDTH = 9, 12
_PLAIN_STEP = 0.25


def follow(deployment: Deployment, execution: str, console: Console, *, indent: str = "  ") -> Outcome:
    """Show an execution until it has ended; how it ended. Raises NotFound."""
    view = _Moving(indent) if console.is_terminal else _Lines(console, indent)
    job: JobView | None = None
    with view.open(console):
        while True:
            outcome = look(deployment, execution)
            training = bool(outcome.stages) and outcome.stages[-1].name == "Train" and not outcome.over
            if outcome.run and (training or (job and not job.complete)):
                job = job or JobView(deployment, outcome.run.run)
                job.refresh()
            view.show(outcome, job)
            if outcome.over:
                return outcome
            time.sleep(deployment.poll_seconds)


class _Lines:
    """A line when a step has ended, and a few while training goes on."""

    def __init__(self, console: Console, indent: str) -> None:
        self._console, self._indent = console, indent
        self._printed, self._shown_progress = 0, 0.0

    def open(self, _console: Console) -> AbstractContextManager[object]:
        return nullcontext()

    def show(self, outcome: Outcome, job: JobView | None) -> None:
        done = [stage for stage in outcome.stages if stage.done]
        if job and len(done) == self._printed and job.progress >= self._shown_progress + _PLAIN_STEP:
            self._shown_progress = job.progress
            self._console.print(
                f"{self._indent}{'Train':{_NAME_WIDTH}} {job.progress:>{_TIME_WIDTH - 1}.0%}  {job.summary()}"
            )
        for stage in done[self._printed :]:
            self._console.print(f"{self._indent}{_line(stage, job)}")
        self._printed = len(done)


class _Moving:
    """All steps so far, the present one with a spinner, training with a bar."""

    def __init__(self, indent: str) -> None:
        self._indent = indent
        self._spinner = Spinner("dots")
        self._live: Live | None = None

    def open(self, console: Console) -> AbstractContextManager[object]:
        self._live = Live(console=console, refresh_per_second=8)
        return self._live

    def show(self, outcome: Outcome, job: JobView | None) -> None:
        if self._live:
            self._live.update(Group(*(self._row(stage, job) for stage in outcome.stages)))

    def _row(self, stage: Stage, job: JobView | None) -> RenderableType:
        if stage.done:
            return styled(self._indent, ("✔ ", "green"), _line(stage, job))
        row = Table.grid(padding=(0, 1, 0, 0))
        cells: list[RenderableType] = [
            Text(self._indent.rstrip() or " "), self._spinner, Text(f"{stage.name:{_NAME_WIDTH}}", style="bold"),
            Text(f"{seconds(stage.seconds):>{_TIME_WIDTH - 1}}"),
        ]  # fmt: skip
        if stage.name == "Train" and job:
            cells += [
                ProgressBar(total=1.0, completed=job.progress, width=24),
                styled(f"{job.progress:4.0%}  {job.summary()}"),
            ]
        row.add_row(*cells)
        return row


def _line(stage: Stage, job: JobView | None) -> str:
    line = f"{stage.name:{_NAME_WIDTH}} {seconds(stage.seconds):>{_TIME_WIDTH - 1}}"
    return f"{line}  {job.summary()}" if stage.name == "Train" and job else line
