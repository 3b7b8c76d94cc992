"""The local cloud gets the template that AWS gets, but for a short list of differences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stacks.synth import Synthesized

# Where the two may differ, as paths in the template, and why.
DECLARED = {
    r"Functions\w+Function\w+/Properties/Code/S3Key": "a list of the wheels, which the local cloud has installed",
    r"Functions\w+Function\w+/Metadata/aws:asset:path": "the same, where the CLI finds it",
    r"Functions\w+Function\w+/Properties/Environment/Variables/SERVING_IMAGE.*": "no image is built or pulled there",
    r"EndpointConverged\w+/Properties/Image.*": "the same image, where its change updates the endpoint",
    r"EndpointRoleDefaultPolicy\w+/Properties/PolicyDocument/Statement/\d+/Resource.*": "the repository of that image",
    r"FunctionsEvaluateRoleDefaultPolicy\w+/Properties/PolicyDocument/Statement/\d+/Resource.*": "the same repository",
}


@pytest.mark.slow
def test_the_local_template_differs_only_where_it_is_declared(aws: Synthesized, local: Synthesized) -> None:
    differing = set(_differences(aws.written, local.written, ""))
    used = set()
    for path in differing:
        name = path.removeprefix("/Resources/")
        matching = [pattern for pattern in DECLARED if re.fullmatch(pattern, name)]
        assert matching, f"{path} differs on the local cloud, which is not declared"
        used.update(matching)
    # Metadata is written by the CLI's own synth only.
    assert {p for p in DECLARED if "Metadata" not in p} <= used, "a declared difference does not exist any more"


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from _differences(one.get(key), other.get(key), f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, f"{path}/{index}")
    elif one != other:
        yield path
