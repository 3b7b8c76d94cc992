"""Decisions on labels are byte for byte what they were before the gate knew regression: the ledger has such ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.gate.decision import decide
from domain.gate.types import JudgedRow
from domain.settings import GateSettings

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "decisions.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["name"])
def test_a_decision_on_labels_is_what_it_was(recorded: dict[str, Any]) -> None:
    columns = recorded["rows"]
    rows = [
        JudgedRow(
            id=str(n),
            label=columns["label"][n],
            candidate=columns["candidate"][n],
            held_out_before=columns["held_out_before"][n] == "y",
            **{name: None if columns[name][n] == "-" else columns[name][n] for name in ("champion", "anchor", "slice")},
        )
        for n in range(len(columns["label"]))
    ]
    decision = decide(rows, GateSettings(**recorded["policy"]), seed=recorded["name"])
    assert json.dumps(decision.to_json()) == json.dumps(recorded["decision"])
