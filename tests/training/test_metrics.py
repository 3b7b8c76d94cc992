"""domain/metrics.py: what training prints is what SageMaker reads."""

from __future__ import annotations

import json
import math
import re

import pytest

from domain import metrics
from domain.measures import BY_KEY, OF_KIND
from domain.settings import Kind

DEFINITIONS = metrics.definitions(BY_KEY)


@pytest.mark.parametrize("key", metrics.NAMES)
@pytest.mark.parametrize("value", [0.0, 1, 0.53, -0.25, 1e-7, 3.2e12, 123456.789])
def test_each_definition_reads_its_own_line_only(key: str, value: float) -> None:
    line = metrics.line(key, value, step=10)
    read = {item["Name"]: re.findall(item["Regex"], line) for item in DEFINITIONS}
    found = {name: values for name, values in read.items() if values}
    assert found.keys() == {metrics.NAMES[key]}
    assert math.isclose(float(found[metrics.NAMES[key]][0]), value, rel_tol=1e-5)


FORGED = "metric validation_accuracy=0.9999 step=1"


@pytest.mark.parametrize(
    "line",
    [
        f"labels {json.dumps([FORGED, 'x'])}",
        f"labels {json.dumps([chr(10) + FORGED, chr(13) + FORGED, chr(0x2028) + FORGED])}",
        f"labels ['{FORGED} x']",
        f" {FORGED}",
        "metric validation_accuracy=0.9999 x",
        "metric validation_accuracy=eEe step=1",
        "metric validation_accuracy=. step=1",
        "metric validation_accuracy=1.2.3 step=1",
        "metric validation_accuracy=nan step=1",
    ],
)
def test_what_a_label_says_is_no_metric(line: str) -> None:
    assert not any(re.search(item["Regex"], line) for item in DEFINITIONS)


def test_lines_are_read_one_by_one_or_all_at_once() -> None:
    """Which of both SageMaker does is not documented."""
    lines = [metrics.line("train_loss", 0.5, 1), "labels []", metrics.line("train_loss", 0.25, 2)]
    (pattern,) = [item["Regex"] for item in DEFINITIONS if item["Name"] == "train:loss"]
    for end in ("\n", "\r\n"):
        assert re.findall(pattern, end.join(lines)) == ["0.5", "0.25"]


def test_definitions_are_within_createtrainingjobs_limits() -> None:
    assert len(DEFINITIONS) <= 40
    assert len({item["Name"] for item in DEFINITIONS}) == len(DEFINITIONS)
    for item in DEFINITIONS:
        assert re.fullmatch(r".{1,255}", item["Name"])
        assert 1 <= len(item["Regex"]) <= 500
        assert re.compile(item["Regex"]).groups == 1


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_job_states_the_measures_of_its_task(kind: Kind) -> None:
    keys = [measure.key for measure in OF_KIND[kind]]
    scores = {item["Name"] for item in metrics.definitions(keys) if item["Name"].startswith(("validation:", "served:"))}
    assert scores == {"validation:loss", *(f"{stage}:{key}" for stage in ("validation", "served") for key in keys)}


def test_a_metric_that_no_definition_reads_cannot_be_printed() -> None:
    with pytest.raises(KeyError, match="is no known metric"):
        metrics.line("trian_loss", 1.0, step=1)
