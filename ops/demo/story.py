"""The story: what is done in which order, what is shown of it, and what must be true of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from domain import layout
from domain.state import Run
from ops import predict, receipts
from ops.console import make_table, seconds, size, styled
from ops.demo.play import Play
from ops.deployment import Deployment
from ops.drop import drop
from ops.errors import OpsError
from ops.execution import Outcome, running
from ops.explain import column_lines, gate_lines
from ops.follow import follow

_START_SECONDS = 60.0
# Endings of files whose lines are counted, for what is in them can be read.
_LINES: Final = {".csv", ".json", ".jsonl"}


class DemoFailed(OpsError):
    """What the story says did not happen."""


@dataclass(frozen=True)
class Told:
    """One drop: how its execution ended, its run, and the seconds from the drop until it was live (or judged)."""

    outcome: Outcome
    run: Run
    seconds: float


def first_drop(deployment: Deployment, play: Play, folder: Path, console: Console) -> Told:
    """A model is trained, goes live and answers."""
    _title(console, 1, "The first drop trains a model, and it goes live")
    told = _drop_and_follow(deployment, [folder / play.first], console)
    _expect(told.run.verdict == "promote", f"the first model was not promoted: {told.run.sentence}")
    _say(told, console)
    console.print(styled("  From the drop to a live model: ", (seconds(told.seconds), "bold")))
    columns = list(column_lines(_receipt(deployment, told)["data"]))
    if columns:
        console.print("  No setting names the columns: the first file said which there are, and what they hold:")
    for line in columns:
        console.print(f"    {line}")
    predict.show(_ask(deployment, play, folder), predict.Reading.of(deployment), console, indent="  ")
    return told


def second_drop(deployment: Deployment, play: Play, folder: Path, console: Console) -> Told:
    """More data: judged against the first model on the same held-out rows, whichever way it goes."""
    _title(console, 2, "A second drop with more data is judged against the live model")
    told = _drop_and_follow(deployment, [folder / play.second], console)
    _expect(told.run.verdict in ("promote", "keep"), f"unexpected verdict on good data: {told.run.sentence}")
    _show_gate(deployment, told, console)
    return told


def poisoned_drop(deployment: Deployment, play: Play, folder: Path, console: Console) -> Told:
    """Shuffled labels: the live model sees it before money is spent, and its answers stay what they were."""
    same = f"the same {play.rows}, but somebody sorted one column, so the labels are shuffled"
    _title(console, 3, f"A third drop: {same}")
    before = _ask(deployment, play, folder)
    told = _drop_and_follow(deployment, [folder / play.shuffled], console)
    _expect(told.run.verdict == "screened", f"shuffled labels were not screened out: {told.run.sentence}")
    _expect(not told.run.artifact, "a model was trained on shuffled labels")
    _say(told, console)
    key = f"{layout.LANDING}{play.shuffled}"
    keys = [hold.source.key for hold in deployment.ledger.held().values()]
    _expect(keys == [key], f"{key} should be held, held are {keys}")
    console.print(f"  Held before any training job was started: {key}")
    after = _ask(deployment, play, folder)
    _expect(after == before, f"the live answers changed: {before} became {after}")
    console.print("  The live model answers as before, to the last digit:")
    predict.show(after, predict.Reading.of(deployment), console, indent="  ")
    return told


def broken_drop(deployment: Deployment, play: Play, folder: Path, console: Console) -> Told:
    """Some broken rows: they are set aside with reasons, the good ones are used. A file of another shape is held."""
    reshaped = [folder / play.reshaped] if play.reshaped else []
    _title(console, 4, play.fourth)
    told = _drop_and_follow(deployment, [folder / play.broken, *reshaped], console)
    receipt = _receipt(deployment, told)
    key = f"{layout.LANDING}{play.broken}"
    source = next((item for item in receipt["data"]["sources"] if item["key"] == key), None)
    _expect(source is not None, f"{key} is not part of the run's data")
    assert source is not None
    entries = [json.loads(line) for line in deployment.read_text(layout.quarantine(source["source"])).splitlines()]
    _expect(len(entries) == play.spoiled, f"{len(entries)} rows are in quarantine, {play.spoiled} were broken")
    heading, place = play.place
    table = make_table(heading, "why it is in quarantine", right=("line",))
    for entry in entries:
        table.add_row(str(entry[place]), entry["reason"])
    console.print(table)
    console.print(f"  Its other {sum(source['rows'].values())} rows are part of the run:")
    _say(told, console)
    for path in reshaped:
        _show_hold(deployment, f"{layout.LANDING}{path.name}", console)
    return told


DROPS: Final = (first_drop, second_drop, poisoned_drop, broken_drop)


def closing(deployment: Deployment, told: list[Told], console: Console) -> None:
    """What Spot saved here, said as what it is."""
    training = [_receipt(deployment, each)["training"] for each in told if each.run.artifact]
    trained, billed = (sum(item[name] for item in training) for name in ("seconds", "billed_seconds"))
    console.print(
        f"Trained {seconds(trained)} in all, billed as Spot {seconds(billed)} "
        f"({100 * (1 - billed / trained):.0f}% saved: emulated, AWS's own discount varies)."
    )


def _title(console: Console, number: int, title: str) -> None:
    console.print()
    console.print(styled((f"{number}. {title}", "bold cyan")))


def _drop_and_follow(deployment: Deployment, paths: Sequence[Path], console: Console) -> Told:
    started = time.monotonic()
    names, sizes = " ".join(path.name for path in paths), ", ".join(map(_length, paths))
    console.print(f"  $ mlops drop {names}  ({sizes})")
    drop(deployment, paths, None, Console(quiet=True))
    outcome = follow(deployment, _claiming(deployment), console)
    took = time.monotonic() - started - _after(outcome)
    _expect(outcome.succeeded, f"the execution failed: {outcome.why}")
    _until_rest(deployment)
    run = deployment.ledger.run(outcome.run.run) if outcome.run else None
    _expect(run is not None, "the execution worked on no run")
    assert run is not None
    return Told(outcome, run, took)


def _claiming(deployment: Deployment) -> str:
    """The execution that works on the drop. Two files start two, and the other ends as soon as it sees the claim."""
    deadline = time.monotonic() + _START_SECONDS
    while (execution := deployment.ledger.claimed_by()) is None:
        _expect(time.monotonic() < deadline, f"no execution started within {seconds(_START_SECONDS)} of the drop")
        time.sleep(deployment.poll_seconds)
    return execution


def _ask(deployment: Deployment, play: Play, folder: Path) -> predict.Answers:
    if predict.Reading.of(deployment).pictures:
        return predict.ask_pictures(deployment, play.asked, folder=folder)
    return predict.ask(deployment, play.asked)


def _length(path: Path) -> str:
    if not _LINES & set(path.suffixes):
        return size(path.stat().st_size)
    if path.suffix == ".gz":
        return "gzipped"
    with path.open("rb") as file:
        return f"{sum(1 for _ in file):,} lines"


def _after(outcome: Outcome) -> float:
    """Seconds that went by after the model was live, or judged."""
    names = [stage.name for stage in outcome.stages]
    last = max((names.index(name) for name in ("Promote", "Reject", "Screen") if name in names), default=len(names))
    return sum(stage.seconds for stage in outcome.stages[last + 1 :])


def _until_rest(deployment: Deployment) -> None:
    """Wait for executions that came second to the claim; they end by themselves."""
    deadline = time.monotonic() + _START_SECONDS
    while running(deployment):
        _expect(time.monotonic() < deadline, "the pipeline does not come to rest")
        time.sleep(deployment.poll_seconds)


def _say(told: Told, console: Console) -> None:
    """Print the sentence that the run ended with."""
    console.print(styled("  ", (f"{told.run.sentence}", "bold")))


def _show_hold(deployment: Deployment, key: str, console: Console) -> None:
    hold = next((hold for hold in deployment.ledger.held().values() if hold.source.key == key), None)
    _expect(hold is not None, f"{key} should be held")
    assert hold is not None
    console.print(f"  Held: {key}: {hold.reason}")


def _show_gate(deployment: Deployment, told: Told, console: Console) -> None:
    _say(told, console)
    for line in gate_lines(_receipt(deployment, told)["gate"]):
        console.print(styled("    ", line))


def _receipt(deployment: Deployment, told: Told) -> receipts.Receipt:
    receipt = receipts.read(deployment, told.run)
    _expect(receipt is not None, f"run {told.run.run} of {deployment.project} has no receipt")
    assert receipt is not None
    return receipt


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoFailed(f"The demo did not go as it should: {otherwise}")
