"""The dashboard draws what the task is judged by, in graphs whose lines have one unit."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from domain.measures import BY_KEY, OF_KIND
from domain.metrics import NAMES, evaluated
from stacks.build import build, context
from stacks.dashboard import Dashboard
from tests.stacks.synth import PROJECT, Synthesized

_SEARCHED = re.compile(r'MetricName="([^"]+)"')


def widgets(template: Template) -> list[dict[str, Any]]:
    """Those of the only dashboard. A reference in its body is written as its name."""
    (board,) = template.find_resources("AWS::CloudWatch::Dashboard").values()
    body = board["Properties"]["DashboardBody"]
    if isinstance(body, dict):
        body = "".join(part if isinstance(part, str) else next(iter(part)) for part in body["Fn::Join"][1])
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def drawn(template: Template) -> dict[str, list[str]]:
    """What each graph draws, by its title: names of metrics, or of those that are searched."""
    return {
        widget["properties"]["title"]: [
            _SEARCHED.findall(line[0]["expression"])[0] if isinstance(line[0], dict) else line[1]
            for line in widget["properties"]["metrics"]
        ]
        for widget in widgets(template)
    }


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The stack with the dashboard of a task of regression, on which no other task's is."""
    overlay = tmp_path_factory.mktemp("overlay") / "overlay.json"
    overlay.write_text('{"operations": {"dashboard": false}}')
    given = {**context(), "aws:cdk:bundling-stacks": [], "overlay": str(overlay)}
    stack = build(App(context=given, outdir=str(tmp_path_factory.mktemp("numbers"))))
    parts: dict[str, Any] = {
        name.lower(): stack.node.find_child(name) for name in ("Functions", "Training", "Endpoint", "Pipeline")
    }
    machine, measures = parts.pop("pipeline").machine, [measure.key for measure in OF_KIND["regression"]]
    Dashboard(stack, "Numbers", project=PROJECT, measures=measures, machine=machine, **parts)
    return Template.from_stack(stack)


def test_of_labels(aws: Synthesized) -> None:
    found = drawn(aws.template)
    assert found["Train: on validation rows"] == ["validation:accuracy", "validation:macro_f1"]
    assert found["Evaluate: accuracy"] == ["CandidateAccuracy", "ChampionAccuracy"]
    assert found["Evaluate: macro-F1"] == ["CandidateMacroF1", "ChampionMacroF1"]
    assert not metrics_of("regression") & {name for names in found.values() for name in names}


def test_of_numbers(numbers: Template) -> None:
    found = drawn(numbers)
    assert found["Train: errors on validation rows"] == ["validation:mae", "validation:rmse"]
    assert found["Train: on validation rows"] == ["validation:r2"]
    assert found["Evaluate: MAE"] == ["CandidateMae", "ChampionMae"]
    assert found["Evaluate: RMSE"] == ["CandidateRmse", "ChampionRmse"]
    assert found["Evaluate: R2"] == ["CandidateR2", "ChampionR2"]
    assert not metrics_of("classification") & {name for names in found.values() for name in names}


def test_no_line_hides_another_unit_s(aws: Synthesized, numbers: Template) -> None:
    units = {NAMES[f"validation_{key}"]: measure.unit for key, measure in BY_KEY.items()}
    units |= {evaluated(who, key): one.unit for who in ("Candidate", "Champion") for key, one in BY_KEY.items()}
    for template in (aws.template, numbers):
        for title, names in drawn(template).items():
            assert len({units[name] for name in names if name in units}) <= 1, title


def test_every_title_is_ascii_and_no_graph_covers_another(aws: Synthesized, numbers: Template) -> None:
    for template in (aws.template, numbers):
        found = widgets(template)
        assert all(widget["properties"]["title"].isascii() for widget in found)
        assert all(widget["x"] + widget["width"] <= 24 for widget in found)
        squares = [
            (x, y)
            for widget in found
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        ]
        assert len(squares) == len(set(squares))


def metrics_of(kind: Any) -> set[str]:
    """The names of all metrics that are of one kind of task."""
    keys = [measure.key for measure in OF_KIND[kind]]
    trained = {NAMES[f"{stage}_{key}"] for stage in ("validation", "served") for key in keys}
    return trained | {evaluated(who, key) for who in ("Candidate", "Champion") for key in keys}
