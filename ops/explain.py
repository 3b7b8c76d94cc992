"""`mlops explain`: a run's receipt as a person wants to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from domain.facts import Run
from ops import receipts
from ops.console import dollars, moment, seconds
from ops.deployment import Deployment
from ops.errors import in_plain_words
from ops.find import find_run
from ops.watch import VERDICTS

NOT_JUDGED: Final = "This run was not judged, so there is no receipt."
_MOST_LABELS: Final = 20


def explain(deployment: Deployment, prefix: str, console: Console) -> None:
    """Print the page of the run whose id starts with `prefix`, or of the newest. Raises NotFound, Unusable."""
    with in_plain_words(deployment.project):
        run = find_run(deployment, prefix)
        receipt = receipts.read(deployment, run)
    for line in page(run, receipt):
        console.print(line)


def page(run: Run, receipt: receipts.Receipt | None) -> list[str]:
    """The page's lines, in Rich's markup."""
    lines = list(head(run))
    if receipt is None:
        return [*lines, "", NOT_JUDGED]
    parts = {**sections(receipt), "Labels": list(_labels(receipt["gate"]))}
    for title, part in parts.items():
        lines += ["", f"[bold]{title}[/bold]", *(f"  {line}" for line in part)]
    return lines


def sections(receipt: receipts.Receipt) -> dict[str, list[str]]:
    """What is said of data, model and gate, by title, in Rich's markup."""
    return {
        "Data": list(_data(receipt["data"])),
        "Model": list(_model(receipt)),
        "Gate": list(gate_lines(receipt["gate"])),
    }


def head(run: Run) -> Iterator[str]:
    """The run, its verdict and why it was made, in Rich's markup."""
    verdict = VERDICTS.get(run.verdict, run.verdict) or "not concluded yet"
    yield f"[bold]Run {run.run}: {verdict}[/bold]"
    if run.sentence:
        yield escape(run.sentence)
    if run.labels:
        yield escape(run.labels)
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    yield f"Started {moment(run.started)} UTC because: {escape(run.reason)}{attempt}"
    yield f"Execution {run.execution.rsplit(':', 1)[1]}"


def _data(data: dict[str, Any]) -> Iterator[str]:
    counts = ", ".join(f"{count:,} {split}" for split, count in data["rows"].items())
    labels = escape(", ".join(data["labels"][:_MOST_LABELS]))
    yield f"dataset {data['dataset']} of epoch {data['epoch']}: {counts} rows; labels {labels}"
    rejected = data.get("rejected_by_file", {})
    if data.get("set_aside"):
        yield f"set aside, with too few rows: {escape(', '.join(data['set_aside'][:_MOST_LABELS]))}"
    for source in data["sources"]:
        rows = f"{sum(source['rows'].values()):,} rows"
        bad = rejected.get(source["key"])
        out = f", {bad:,} quarantined: quarantine/{source['source']}.jsonl" if bad else ""
        yield f"{escape(source['key'])}  {rows}{out}"
    rules = ", ".join(f"{count:,} {rule}" for rule, count in data.get("rejected_by_rule", {}).items())
    if rules:
        yield f"quarantined rows by rule: {rules}"
    yield "of rows with the same text, the later file's counts" if len(data["sources"]) > 1 else "one file"


def _model(receipt: receipts.Receipt) -> Iterator[str]:
    training = receipt["training"]
    given = {name: _decoded(value) for name, value in training["hyperparameters"].items()}
    revision = f" at {given['base_revision']}" if "base_revision" in given else ""
    yield escape(f"from {given.get('base_model', 'unknown')}{revision}")
    shown = ("epochs", "batch_size", "learning_rate", "max_length", "seed")
    yield ", ".join(f"{name.replace('_', ' ')} {given[name]}" for name in shown if name in given)
    how = "Spot" if training["spot"] else "on demand"
    saved = f", {training['spot_savings_percent']:.0f}% saved" if training["spot"] else ""
    cost = dollars(training["estimated_usd"])
    about = "" if cost == "-" else f", about {cost}"
    yield (
        f"{training['instance']} {how}: trained {seconds(training['seconds'])}, "
        f"billed {seconds(training['billed_seconds'])}{saved}{about}"
    )
    yield f"job {training['job']}, code {receipt['code']['sha256'][:12]}"
    yield f"artifact {escape(receipt['artifact'])}"


def gate_lines(gate: dict[str, Any]) -> Iterator[str]:
    """Each rule with its numbers, then the verdict."""
    for rule in gate["rules"]:
        mark = "[green]passed[/green]" if rule["passed"] else "[red]FAILED[/red]"
        yield f"{mark}  {escape(rule['sentence'])}"
    champion = gate.get("champion")
    if not champion:
        yield "there was no live model to compare with"
    fresh = gate.get("fresh")
    if fresh:
        yield (
            f"on the {fresh['rows']} held-out rows that are new with this run: "
            f"accuracy {fresh['accuracy']:.4f}, macro-F1 {fresh['macro_f1']:.4f} (reported, not judged)"
        )
    if gate.get("looks", 1) > 1:
        yield f"{gate['looks']} candidates were judged on these held-out rows so far: each of them could get lucky"
    for model, metrics in gate.get("intervals", {}).items():
        found = ", ".join(f"{metric} {low:.4f} to {high:.4f}" for metric, (low, high) in metrics.items())
        yield f"95% intervals of the {model}: {found}"
    yield f"verdict: [bold]{gate['verdict']}[/bold]"


def _labels(gate: dict[str, Any]) -> Iterator[str]:
    champion = {item["label"]: item for item in (gate.get("champion") or {}).get("labels", [])}
    for item in gate["candidate"]["labels"][:_MOST_LABELS]:
        before = champion.get(item["label"])
        against = f" (live model {before['f1']:.4f})" if before else ""
        yield (
            f"{escape(item['label'])}: F1 {item['f1']:.4f}{against}, "
            f"precision {item['precision']:.4f}, recall {item['recall']:.4f}, {item['support']} rows"
        )
    hidden = len(gate["candidate"]["labels"]) - _MOST_LABELS
    if hidden > 0:
        yield f"and {hidden} more, in the receipt"
    left_out = gate["candidate"]["left_out"][:_MOST_LABELS]
    if left_out:
        yield f"too few rows to count towards macro-F1: {escape(', '.join(left_out))}"


def _decoded(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value
