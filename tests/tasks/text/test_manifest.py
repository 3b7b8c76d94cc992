"""What a text model's manifest must say of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.artifact import ArtifactError
from serving.manifest import read_manifest
from tasks.text.manifest import Reading


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": ["one"]}, "labels"),
        ({"labels": ["same", "same"]}, "labels"),
        ({"labels": [1, 2]}, "labels"),
        ({"inputs": ["attention_mask"]}, "inputs"),
        ({"inputs": ["input_ids", "pixels"]}, "inputs"),
        ({"max_length": True}, "max_length"),
        ({"max_length": 1}, "max_length"),
        ({"sha256": {"model.onnx": "0"}}, "sha256"),
        ({"labels": None, "max_length": None}, "labels.*; max_length"),
    ],
)
def test_says_what_is_wrong_with_a_manifest(
    edited: Callable[..., Path], changes: dict[str, object], reason: str
) -> None:
    manifest = read_manifest(edited(**changes))
    with pytest.raises(ArtifactError, match=reason):
        Reading.of(manifest)


def test_is_read_as_it_was_written(edited: Callable[..., Path]) -> None:
    manifest = read_manifest(edited())
    reading = Reading.of(manifest)
    assert {**reading.to_json()} == {name: manifest.own[name] for name in reading.to_json()}
