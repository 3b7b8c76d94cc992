"""`mlops explain --html`: a run's page with pictures, one file that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from rich.console import Console

from domain.printable import printable
from domain.state import Run
from ops import explain, pictures, receipts
from ops.deployment import Deployment
from ops.errors import NoAccess, in_plain_words
from ops.find import find_run
from ops.mistaken import SIDE, Mistaken, mistaken

FOLDER: Final = Path(".local")


def write(deployment: Deployment, prefix: str | None, console: Console) -> Path:
    """Write the page of the run whose id starts with `prefix`, or of the newest; its path. Raises as explain."""
    with in_plain_words(deployment.project):
        run = find_run(deployment, prefix)
        receipt = receipts.read(deployment, run)
    path = FOLDER / f"run-{run.run}.html"
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(render(run, receipt, _mistaken(deployment, receipt, console)), encoding="utf-8")
    os.replace(partial, path)
    console.print(f"Written: {path.resolve()}")
    return path


def _mistaken(deployment: Deployment, receipt: receipts.Receipt | None, console: Console) -> list[Mistaken]:
    if receipt is None:
        return []
    try:
        with in_plain_words(deployment.project):
            return mistaken(deployment, receipt)
    except NoAccess as error:
        # Who reads receipts need not read rows.
        console.print(f"The page is without pictures. {error}")
        return []


def render(run: Run, receipt: receipts.Receipt | None, wrong: Sequence[Mistaken] = ()) -> str:
    """The page as HTML, with the pictures that were answered `wrong`, if rows are pictures.

    The words are those of `mlops explain`; the same receipt gives the same bytes.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    title, *more = [str(line) for line in explain.head(run)]
    values: dict[str, Any] = {"title": title, "head": more, "verdict": run.verdict or run.judged, "judged": receipt}
    if receipt is not None:
        values |= _of(receipt)
    values |= {"not_judged": explain.NOT_JUDGED, "wrong": wrong, "side": SIDE}
    return environment.get_template("report.html.j2").render(values)


def _of(receipt: receipts.Receipt) -> dict[str, Any]:
    gate = receipt["gate"]
    confusion: dict[str, list[list[Any]]] = gate.get("confusion") or {}
    sections = {title: [str(line) for line in lines] for title, lines in explain.sections(receipt).items()}
    # Rules and labels have tables of their own here; what the gate says besides stays as it is.
    said = sections.pop("Gate")[len(gate["rules"]) :]
    sections.pop("Labels", None)
    return {
        "sections": sections,
        "gate": gate,
        "gate_says": said,
        "charts": [(title, pictures.chart(title, lines)) for title, lines in pictures.curves(receipt["training"])],
        "matrices": [pictures.matrix(model, counts) for model, counts in confusion.items()],
        "residuals": [
            (model, pictures.histogram(f"Answer minus truth, {model}", found["counts"]))
            for model, found in (gate.get("residuals") or {}).items()
        ],
        "mistakes": pictures.mistakes(confusion.get("candidate", [])),
        "labels": _labels(gate),
    }


def _labels(gate: dict[str, Any]) -> list[dict[str, Any]]:
    """Each label's scores, the champion's F1 and the difference; None where there was no champion."""
    champion = {item["label"]: item["f1"] for item in (gate.get("champion") or {}).get("labels", [])}
    return [
        {
            **item,
            "champion": champion.get(item["label"]),
            "change": item["f1"] - champion[item["label"]] if item["label"] in champion else None,
        }
        for item in gate["candidate"]["labels"]
    ]


def _finalize(value: object) -> object:
    """What stands in the page for a value, before it is escaped as HTML; our own pictures are HTML already."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
