"""What a job installs for itself replaces nothing that AWS's image has, and is the same on every day."""

from __future__ import annotations

from importlib.metadata import requires
from typing import Any

import pytest
from packaging.requirements import Requirement

from ops.aws_image import IMAGE, REQUIREMENTS, ROOT, normal, pins, unpinned

HAS, WANTS = pins(IMAGE), pins(*REQUIREMENTS)


def report(*names: str) -> dict[str, Any]:
    """As pip writes it (pip, "Installation Report")."""
    return {"version": "1", "install": [{"metadata": {"name": name, "version": "1"}} for name in names]}


@pytest.mark.parametrize(
    ("installed", "found"),
    [
        ((), []),
        (("onnx", "numpy", "typing_extensions"), []),
        (("onnx", "ml_dtypes", "Flat-Buffers"), ["flat-buffers", "ml-dtypes"]),
    ],
)
def test_what_neither_the_image_has_nor_a_pin_holds_is_named(installed: tuple[str, ...], found: list[str]) -> None:
    assert unpinned(report(*installed), HAS, {"onnx": "1.23.2"}) == found


def test_a_job_wants_only_what_it_pins_or_the_image_has() -> None:
    """From the metadata of the packages themselves, at the versions that the pins of both files say."""
    environment = {"python_version": "3.12", "sys_platform": "linux", "platform_machine": "x86_64", "extra": ""}
    for name in WANTS:
        for wanted in map(Requirement, requires(name) or []):
            if wanted.marker and not wanted.marker.evaluate(environment):
                continue
            key = normal(wanted.name)
            assert key in HAS or key in WANTS, f"{name} wants {wanted}: pin it in the task's requirements-train.txt"
            pinned = WANTS.get(key) or HAS[key]
            assert not pinned or wanted.specifier.contains(pinned), f"{name} wants {wanted}, and there is {pinned}"


def test_no_pin_of_a_job_is_of_what_the_image_has() -> None:
    assert WANTS.keys() & HAS.keys() == set()
    assert all(WANTS.values())


def test_the_project_s_environment_has_a_job_s_pins() -> None:
    """So that a job's own installation is a no-op on the local cloud, and what is tested is what runs."""
    ours = pins(ROOT / "constraints.txt")
    assert {name: ours[name] for name in WANTS} == WANTS
    for name in ("transformers", "sagemaker-training", "sagemaker-pytorch-training"):
        assert ours[name] == HAS[name]
