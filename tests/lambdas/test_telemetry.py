"""A function's log lines: whatever data says in them, each is one line of ASCII."""

from __future__ import annotations

import json

import pytest

from lambdas.telemetry import logger
from tests.hostile import HOSTILE


def test_a_log_line_shows_what_data_says_and_does_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger keeps the output that it was made with.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "hostile")
    logger.cache_clear()
    for text in HOSTILE.values():
        logger().warning(text, extra={"key": text})
    logger.cache_clear()
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isascii() and line.isprintable() for line in lines)
    records = [json.loads(line) for line in lines]
    assert [(record["message"], record["key"]) for record in records] == [(text, text) for text in HOSTILE.values()]
    assert all(record["service"] == "hostile" for record in records)
