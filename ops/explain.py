"""`mlops explain`: a run's receipt as a person wants to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from domain.hyperparameters import OF_EVERY_JOB
from domain.measures import BY_KEY, BY_NAME, among, significant
from domain.state import Run
from ops import receipts
from ops.console import dollars, moment, seconds, styled
from ops.deployment import Deployment
from ops.errors import in_plain_words
from ops.find import find_run
from ops.watch import VERDICTS

# A line may have styles; its text is `str` of it.
Line = str | Text
NOT_JUDGED: Final = "This run was not judged, so there is no receipt."
_MOST_LABELS: Final = 20
_MOST_COLUMNS: Final = 30


def explain(deployment: Deployment, prefix: str | None, console: Console) -> None:
    """Print the page of the run whose id starts with `prefix`, or of the newest. Raises NotFound, Unusable."""
    with in_plain_words(deployment.project):
        run = find_run(deployment, prefix)
        receipt = receipts.read(deployment, run)
    for line in page(run, receipt):
        console.print(line)


def page(run: Run, receipt: receipts.Receipt | None) -> list[Line]:
    """The page's lines."""
    lines = list(head(run))
    if receipt is None:
        return [*lines, "", NOT_JUDGED]
    for title, part in sections(receipt).items():
        lines += ["", styled((title, "bold")), *(styled("  ", line) for line in part)]
    return lines


def sections(receipt: receipts.Receipt) -> dict[str, list[Line]]:
    """What is said of a judged run, by title; what does not suit its task is not there."""
    found: dict[str, list[Line]] = {
        "Data": list(_data(receipt["data"])),
        "Model": list(_model(receipt)),
        "Gate": list(gate_lines(receipt["gate"])),
        "Columns": list(_importances(receipt["training"])),
        "Errors": list(_residuals(receipt["gate"])),
        "Labels": list(_labels(receipt["gate"])),
    }
    return {title: lines for title, lines in found.items() if lines}


def head(run: Run) -> Iterator[Line]:
    """The run, its verdict and why it was made."""
    verdict = VERDICTS.get(run.verdict, run.verdict) if run.verdict else "not concluded yet"
    yield styled((f"Run {run.run}: {verdict}", "bold"))
    if run.sentence:
        yield run.sentence
    if run.makes_live:
        yield f"It carries out an order of {run.by}, and trained nothing: the model is that of run {run.makes_live}"
    if run.labels:
        yield run.labels
    if run.postponed:
        yield f"Postponed to the next sweep: {run.postponed}"
    if run.unregistered:
        yield f"Not in the model registry: {run.unregistered}"
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    yield f"Started {moment(run.started)} UTC because: {run.reason}{attempt}"
    yield f"Execution {run.execution.rsplit(':', 1)[1]}"


def _data(data: dict[str, Any]) -> Iterator[str]:
    counts = ", ".join(f"{count:,} {split}" for split, count in data["rows"].items())
    labels = f"; labels {', '.join(data['labels'][:_MOST_LABELS])}" if data["labels"] else ""
    yield f"dataset {data['dataset']} of epoch {data['epoch']}: {counts} rows{labels}"
    yield from column_lines(data)
    rejected = data.get("rejected_by_file", {})
    if data.get("set_aside"):
        yield f"set aside, with too few rows: {', '.join(data['set_aside'][:_MOST_LABELS])}"
    for source in data["sources"]:
        rows = f"{sum(source['rows'].values()):,} rows"
        bad = rejected.get(source["key"])
        out = f", {bad:,} quarantined: quarantine/{source['source']}.jsonl" if bad else ""
        yield f"{source['key']}  {rows}{out}"
    rules = ", ".join(f"{count:,} {rule}" for rule, count in data.get("rejected_by_rule", {}).items())
    if rules:
        yield f"quarantined rows by rule: {rules}"
    what = "features" if "schema" in data else "text"
    yield f"of rows with the same {what}, the later file's counts" if len(data["sources"]) > 1 else "one file"


def column_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """The columns of a table by their types, of a receipt's `data`; nothing where they are all texts."""
    schema: Mapping[str, str] = data.get("schema", {})
    for kind, what in (("number", "numbers"), ("category", "categories")):
        names = [name for name, found in schema.items() if found == kind]
        more = f" and {len(names) - _MOST_COLUMNS} more" if len(names) > _MOST_COLUMNS else ""
        if names:
            yield f"{what}: {', '.join(names[:_MOST_COLUMNS])}{more}"


def _model(receipt: receipts.Receipt) -> Iterator[str]:
    training = receipt["training"]
    given = {name: _decoded(value) for name, value in training["hyperparameters"].items()}
    if "base_model" in given:
        revision = f" at {given['base_revision']}" if "base_revision" in given else ""
        yield f"from {given['base_model']}{revision}"
    tuned = {
        name: value for name, value in given.items() if name not in OF_EVERY_JOB and not name.startswith("sagemaker_")
    }
    yield ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in tuned.items()) or "no hyperparameters"
    how = "Spot" if training["spot"] else "on demand"
    saved = f", {training['spot_savings_percent']:.0f}% saved" if training["spot"] else ""
    cost = dollars(training["estimated_usd"])
    about = "" if cost == "-" else f", about {cost}"
    yield (
        f"{training['instance']} {how}: trained {seconds(training['seconds'])}, "
        f"billed {seconds(training['billed_seconds'])}{saved}{about}"
    )
    yield f"job {training['job']}, code {receipt['code']['sha256'][:12]}"
    yield f"artifact {receipt['artifact']}"


def _importances(training: Mapping[str, Any]) -> Iterator[str]:
    """What each column is worth, of a task that knows it."""
    worth = training.get("importances") or []
    if not worth:
        return
    measure = BY_KEY[worth[0]["measure"]]
    how = "falls" if measure.higher_is_better else "rises"
    yield f"{measure.name} on validation rows {how} by so much where a column's values are shuffled:"
    for item in worth[:_MOST_COLUMNS]:
        # A column that is worth nothing may by chance come out below 0.
        yield f"{measure.shown(max(item['loss'], 0.0))}  {item['column']}"
    if len(worth) > _MOST_COLUMNS:
        yield f"and {len(worth) - _MOST_COLUMNS} more, in the receipt"


def _residuals(gate: Mapping[str, Any]) -> Iterator[str]:
    """How far off the answers are, of regression."""
    for model, found in (gate.get("residuals") or {}).items():
        median, most, mean = (found[name] for name in ("median", "most", "mean"))
        which = f"; on average they are {significant(abs(mean), 4)} too {'high' if mean > 0 else 'low'}" if mean else ""
        yield (
            f"{model}: half of the answers are off by at most {significant(median, 4)}, "
            f"95% by at most {significant(most, 4)}{which}"
        )


def gate_lines(gate: dict[str, Any]) -> Iterator[Line]:
    """Each rule with its numbers, then the verdict."""
    for rule in gate["rules"]:
        mark = ("passed", "green") if rule["passed"] else ("FAILED", "red")
        yield styled(mark, f"  {rule['sentence']}")
    champion = gate.get("champion")
    if not champion:
        yield "there was no live model to compare with"
    fresh = gate.get("fresh")
    if fresh:
        scores = ", ".join(f"{measure.name} {measure.shown(fresh[measure.key])}" for measure in among(fresh))
        yield f"on the {fresh['rows']} held-out rows that are new with this run: {scores} (reported, not judged)"
    if gate.get("looks", 1) > 1:
        yield f"{gate['looks']} candidates were judged on these held-out rows so far: each of them could get lucky"
    for model, metrics in gate.get("intervals", {}).items():
        shown = [(name, *map(BY_NAME[name].shown, ends)) for name, ends in metrics.items()]
        found = ", ".join(f"{name} {low} to {high}" for name, low, high in shown)
        yield f"95% intervals of the {model}: {found}"
    yield styled("verdict: ", (gate["verdict"], "bold"))


def _labels(gate: dict[str, Any]) -> Iterator[Line]:
    champion = {item["label"]: item for item in (gate.get("champion") or {}).get("labels", [])}
    for item in gate["candidate"]["labels"][:_MOST_LABELS]:
        before = champion.get(item["label"])
        against = f" (live model {before['f1']:.4f})" if before else ""
        yield (
            f"{item['label']}: F1 {item['f1']:.4f}{against}, "
            f"precision {item['precision']:.4f}, recall {item['recall']:.4f}, {item['support']} rows"
        )
    hidden = len(gate["candidate"]["labels"]) - _MOST_LABELS
    if hidden > 0:
        yield f"and {hidden} more, in the receipt"
    left_out = gate["candidate"]["left_out"][:_MOST_LABELS]
    if left_out:
        yield f"too few rows to count towards macro-F1: {', '.join(left_out)}"


def _decoded(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value
