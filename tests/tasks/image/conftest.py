"""A model of three shapes, made by the real job, and a server over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from serving.loading import load
from tasks.image.predict import Predictor
from tests.serving.conftest import Server, serving
from tests.tasks.image.jobs import new_job, run
from tests.training.job import Job


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Trained(NamedTuple):
    """What a job made, and said."""

    job: Job
    log: str

    @property
    def folder(self) -> Path:
        return self.job.root / "model"

    @property
    def checkpoint(self) -> Path:
        return self.job.root / "output" / "data" / "checkpoint"

    @property
    def predictor(self) -> Predictor:
        found = load(self.folder)
        assert isinstance(found, Predictor)
        return found


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """From scratch, on 96 pictures."""
    job = new_job(tmp_path_factory.mktemp("shapes"))
    return Trained(job, run(job))


@pytest.fixture(scope="session")
def server(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(trained.folder, tmp_path_factory.mktemp("server") / "log") as running:
        yield running
