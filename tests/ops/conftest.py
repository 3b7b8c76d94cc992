"""Fixtures of the command's tests: a receipt and a run of the shapes that the pipeline writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from domain.data.dataset import Source, Version
from domain.gate.decision import decide
from domain.gate.types import JudgedRow
from domain.hyperparameters import of_run, readable
from domain.settings import GateSettings
from domain.state import Champion, Run, Seal

RUN = "0123456789ab"


def judged(n: int, wrong: int, champion_wrong: int | None) -> list[JudgedRow]:
    """`n` rows of two labels, of which the candidate gets `wrong` and the champion `champion_wrong` wrong."""
    rows = []
    for number in range(n):
        label, other = ("good", "bad") if number % 2 else ("bad", "good")
        champion = None if champion_wrong is None else (other if number < champion_wrong else label)
        rows.append(JudgedRow(f"{number:064x}", label, other if number < wrong else label, champion, number % 4 > 0))
    return rows


def make_receipt(*, wrong: int = 20, champion_wrong: int | None = 30) -> dict[str, Any]:
    """A receipt of a run on two files; the gate's part is what the gate really says."""
    decision = decide(judged(100, wrong, champion_wrong), GateSettings(), RUN)
    first = Source.of("landing/reviews-1.csv", "e1", "2026-11-22T10:00:00+00:00")
    second = Source.of("landing/[new] reviews.jsonl", "e2", "2026-11-22T11:00:00+00:00")
    rows = {
        first.source: {"train": 800, "validation": 100, "test": 100},
        second.source: {"train": 80, "validation": 10, "test": 10},
    }
    version = Version.of(1, [first, second], rows, {"good", "bad"})
    champion = Champion("ba9876543210", "d0", 1, 1, "2026-11-21T09:00:00+00:00", seal=Seal("a" * 64, "b" * 64))
    return {
        "run": RUN,
        "reason": "landing changed",
        "execution": "arn:aws:states:us-east-1:000000000000:execution:reviews-pipeline:abc",
        "started": "2026-11-22T11:01:00+00:00",
        "judged": "2026-11-22T11:04:05+00:00",
        "verdict": decision.verdict,
        "sentence": decision.sentence,
        "data": {
            **version.to_json(),
            "rows": {split: version.count(split) for split in ("train", "validation", "test")},
            "rejected": 7,
            "rejected_by_file": {second.key: 7},
        },
        "code": {"sha256": "c0de" * 16, "image": "image:tag"},
        "training": {
            "job": f"reviews-{RUN}-1",
            "instance": "ml.g4dn.xlarge",
            "spot": True,
            "seconds": 100,
            "billed_seconds": 30,
            "spot_savings_percent": 70.0,
            "estimated_usd": 0.0061,
            "hyperparameters": {"epochs": "2", "learning_rate": "0.0001", "base_model": '"s3://b/base/minilm/"'},
            "metrics": {},
        },
        "artifact": f"s3://b/released/{'c' * 64}/model.tar.gz",
        "champion": asdict(champion) if champion_wrong is not None else None,
        "gate": {"policy": GateSettings().model_dump(), **decision.to_json()},
    }


def make_number_receipt(unit: float = 12345.6, *, champion: bool = True) -> dict[str, Any]:
    """A receipt of a run whose model answers numbers: it is off by one `unit`, and the champion by two."""
    rows = [
        JudgedRow(f"{n:064x}", 9 * n * unit, (9 * n + 1) * unit, (9 * n + 2) * unit if champion else None, n % 4 > 0)
        for n in range(100)
    ]
    receipt = make_receipt(champion_wrong=30 if champion else None)
    decision = decide(rows, GateSettings(), RUN, "regression")
    receipt["gate"] = {"policy": GateSettings().model_dump(), **decision.to_json()}
    receipt["data"]["labels"] = []
    receipt["training"]["curves"] = [
        {"step": 5, "loss": 3e8},
        {"step": 10, "loss": 1.524e8},
        {"step": 10, "validation_loss": 1.6e8, "validation_mae": 1.5 * unit, "validation_rmse": 2 * unit},
        {"step": 20, "validation_loss": 1.5e8, "validation_mae": unit, "validation_rmse": unit, "validation_r2": 0.998},
    ]
    receipt["training"]["importances"] = [
        {"column": "income", "measure": "mae", "loss": 2 * unit},
        {"column": "noise", "measure": "mae", "loss": -0.01 * unit},
    ]
    return receipt | {"verdict": decision.verdict, "sentence": decision.sentence}


def make_image_receipt() -> dict[str, Any]:
    """A receipt of a run whose rows are pictures."""
    receipt = make_receipt()
    given = readable(of_run("image", {}, base_model=None, base_revision=None, features=("image",)))
    return {**receipt, "training": {**receipt["training"], "hyperparameters": given}}


@pytest.fixture
def receipt() -> dict[str, Any]:
    """A promoted candidate's."""
    return make_receipt()


@pytest.fixture
def run(receipt: dict[str, Any]) -> Run:
    """The ledger's record of the same run."""
    return Run(
        RUN, receipt["data"]["dataset"], 1, receipt["execution"], receipt["reason"], receipt["started"],
        judged=receipt["verdict"], verdict=receipt["verdict"], sentence=receipt["sentence"],
    )  # fmt: skip
