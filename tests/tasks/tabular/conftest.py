"""Models of scikit-learn's own tables, each made by the real job, and a server over one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from threadpoolctl import threadpool_limits

from domain.data.records import Row
from serving.loading import load
from tasks.tabular.predict import Predictor
from tests.serving.conftest import Server, serving
from tests.tasks.tabular.jobs import lay_out_rows, read, rows_of, schema_of, train
from tests.training.job import Job


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1, user_api="openmp"):
        yield


class Trained(NamedTuple):
    """What a job made of a table, and said."""

    root: Path
    rows: list[tuple[Row, str]]
    schema: dict[str, str]
    log: str

    @property
    def job(self) -> Job:
        return Job(self.root, None)

    @property
    def predictor(self) -> Predictor:
        found = load(self.root / "model")
        assert isinstance(found, Predictor)
        return found

    def split(self, name: str) -> list[Row]:
        return [row for row, split in self.rows if split == name]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """The model of one of scikit-learn's sets by its name, made once."""

    @cache
    def make(name: str) -> Trained:
        root, kind = tmp_path_factory.mktemp(name), "regression" if name == "diabetes" else "classification"
        schema = schema_of(name)
        rows = read(rows_of(name), schema, kind)
        lay_out_rows(root, rows, schema, label="progress")
        log = train(root, "tabular-regression" if kind == "regression" else "tabular")
        return Trained(root, rows, schema, log)

    return make


@pytest.fixture(scope="session")
def cancer(trained: Callable[[str], Trained]) -> Trained:
    return trained("cancer")


@pytest.fixture(scope="session")
def diabetes(trained: Callable[[str], Trained]) -> Trained:
    return trained("diabetes")


@pytest.fixture(scope="session")
def server(cancer: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(cancer.root / "model", tmp_path_factory.mktemp("server") / "log") as running:
        yield running
