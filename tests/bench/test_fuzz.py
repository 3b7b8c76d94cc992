"""The bench's fuzzing: every task is asked, in each of the text formats that its description has."""

from __future__ import annotations

import json
import sys

import pytest

import tasks
from bench import __main__ as bench
from bench.fuzz import described, ways
from ops.bootstrap import ROOT
from tasks.formats import JSON, MEDIA_TYPES


@pytest.mark.parametrize("task", tasks.names())
def test_every_text_format_is_tried_once_and_json_to_be_refused(task: str) -> None:
    whole = json.loads((ROOT / "tasks" / tasks.folder(task) / "openapi.json").read_text())
    known = whole["paths"]["/invocations"]["post"]["requestBody"]["content"]
    tried = [media_type for way in ways(task) for media_type in way.media_types]
    assert sorted(tried) == sorted(set(known) & set(MEDIA_TYPES))
    assert [way.media_types for way in ways(task) if way.mode == "negative"] == [(JSON,)]
    for way in ways(task):
        one = described(task, way.media_types)
        left = one["paths"]["/invocations"]["post"]["requestBody"]["content"]
        assert left == {media_type: known[media_type] for media_type in way.media_types}
        assert one["components"] == whole["components"]


def test_no_other_part_takes_a_task(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--task", tasks.names()[0], "load", "fuzz"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "only fuzz asks a task's server" in capsys.readouterr().err
