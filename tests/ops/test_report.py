"""The page with pictures: whole, well-formed, and harmless whatever a label is called."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from domain.gate.decision import decide
from domain.gate.types import JudgedRow
from domain.settings import GateSettings
from domain.state import Run
from ops.explain import NOT_JUDGED
from ops.report import render
from tests.ops.conftest import make_number_receipt, make_receipt

HOSTILE = "<script>alert(1)</script>"
CURVES = [
    *({"step": step, "loss": 1 / step} for step in range(10, 100, 10)),
    *({"step": s, "validation_loss": 0.5, "validation_accuracy": 0.8, "validation_macro_f1": 0.7} for s in (50, 90)),
]


class Page(HTMLParser):
    """Refuses tags that do not match, and keeps texts and the pictures' alternatives."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        assert tag != "script"
        assert not {"src", "href"} & given.keys(), "a page that needs nothing else"
        if tag == "svg":
            self.pictures.append(str(given["aria-label"]))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """A tag without content; a picture lies in the page itself."""
        assert tag != "img" or str(dict(attributes)["src"]).startswith("data:image/png;base64,")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def judged(labels: list[str], rows: int) -> dict[str, Any]:
    """A receipt whose gate judged `rows` rows of these labels, one in seven of them answered as the next label."""
    found = [
        JudgedRow(
            str(n),
            labels[n % len(labels)],
            labels[(n + (n % 7 == 0)) % len(labels)],
            labels[(n + (n % 5 == 0)) % len(labels)],
            n % 3 > 0,
        )
        for n in range(rows)
    ]
    decision = decide(found, GateSettings(), "seed")
    receipt = make_receipt()
    receipt["gate"] = {"policy": {}, "looks": 3, **decision.to_json()}
    receipt["training"]["curves"] = CURVES
    return receipt


@pytest.mark.parametrize("count", [2, 77])
def test_every_rule_label_and_picture_is_there(run: Run, count: int) -> None:
    receipt = judged([f"label {number}" for number in range(count)], 40 * count)
    page = Page(render(run, receipt))
    for rule in receipt["gate"]["rules"]:
        assert rule["sentence"] in page.texts
    assert all(f"label {number}" in page.texts for number in range(count))
    titles = [picture.split(":")[0] for picture in page.pictures]
    assert titles == ["Loss by step", "Validation by step", "candidate", "champion"]
    right = sum(item["support"] * item["recall"] for item in receipt["gate"]["candidate"]["labels"])
    assert f"{round(right)} of {40 * count} rows right, over {count} labels" in page.pictures[2]
    assert "macro-F1 ends at 0.7000" in page.pictures[1]


def test_the_same_receipt_makes_the_same_bytes(run: Run) -> None:
    receipt = judged(["a", "b"], 80)
    assert render(run, receipt) == render(run, receipt)


def test_a_label_s_name_is_only_ever_text(run: Run) -> None:
    receipt = judged([HOSTILE, "a\"b'c&", "עברית", "x" * 300], 120)
    text = render(replace(run, sentence=HOSTILE), receipt)
    assert HOSTILE not in text
    assert HOSTILE in Page(text).texts


def test_a_first_model_and_a_rejected_one(run: Run) -> None:
    first = Page(render(run, make_receipt(champion_wrong=None)))
    assert "there was no live model to compare with" in first.texts
    rejected = Page(render(replace(run, verdict="reject"), make_receipt(wrong=40, champion_wrong=10)))
    assert "FAILED" in rejected.texts


def test_an_older_receipt_says_what_it_lacks(run: Run) -> None:
    receipt = make_receipt()
    del receipt["gate"]["confusion"], receipt["gate"]["intervals"]
    page = Page(render(run, receipt))
    assert "This receipt has no training curves." in page.texts
    assert "This receipt has no confusion counts." in page.texts


def test_a_run_that_was_not_judged_says_so(run: Run) -> None:
    assert NOT_JUDGED in Page(render(run, None)).texts


def test_a_model_that_answers_numbers(run: Run) -> None:
    receipt = make_number_receipt()
    page = Page(render(run, receipt))
    assert page.pictures == [
        "Loss by step: training ends at 152400000; validation ends at 150000000",
        "Validation by step: R² ends at 0.9980",
        "Validation errors by step: RMSE ends at 12346; MAE ends at 12346",
        "Answer minus truth, candidate: 100 rows from -24691 to 24691",
        "Answer minus truth, champion: 100 rows from -24691 to 24691",
    ]
    assert {"training 1.52e8", "validation 1.50e8", "R² 0.998", "RMSE 12346", "MAE 12346", "3.00e8"} <= {*page.texts}
    assert not {"Labels", "Confusion", "This receipt has no confusion counts."} & {*page.texts}
    for rule in receipt["gate"]["rules"]:
        assert rule["sentence"] in page.texts


def test_errors_that_are_small_by_their_unit_have_a_curve(run: Run) -> None:
    """An axis that takes a hundredth for nothing would draw it flat."""
    page = Page(render(run, make_number_receipt(1e-6)))
    assert {"1e-06", "1.5e-06", "2e-06", "MAE 1e-06"} <= {*page.texts}


def test_errors_of_nothing_have_a_curve(run: Run) -> None:
    assert "MAE 0" in Page(render(run, make_number_receipt(0.0, champion=False))).texts
