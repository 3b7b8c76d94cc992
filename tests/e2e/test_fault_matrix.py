"""A few rows of the fault matrix (`make faults` plays all of it): whatever goes wrong, the last good model answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.case import Case
from tests.faults.cases import CASES
from tests.faults.matrix import play
from tests.faults.rig import Rig, deployed


@pytest.fixture(scope="module")
def rig(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with deployed(tmp_path_factory.mktemp("faults"), pytestconfig.getoption("task")) as rig:
        yield rig


@pytest.mark.parametrize("case", [case for case in CASES if case.quick], ids=lambda case: case.name)
def test_it_holds(rig: Rig, case: Case) -> None:
    result = play(rig, case)
    assert result.broken == (), result.happened


def test_the_matrix_is_whole() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert 5 <= sum(case.quick for case in CASES) <= 12
