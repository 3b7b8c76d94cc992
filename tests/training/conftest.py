from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_base import tiny_base
from tests.training.job import Job, lay_out, reviews

NewJob = Callable[..., Job]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def new_job(tmp_path_factory: pytest.TempPathFactory, base: Path) -> NewJob:
    """Makes jobs on the same 96 + 32 reviews; keyword arguments are hyperparameters."""

    def make(**hyperparameters: Any) -> Job:
        root = tmp_path_factory.mktemp("job")
        rows = reviews(128, seed=1)
        lay_out(root, {"one": {"train": rows[:96], "validation": rows[96:]}})
        return Job(root, base, hyperparameters)

    return make
