"""Two models that were live one after the other."""

from __future__ import annotations

import pytest

from lambdas.steps import redeploy
from tests.lambdas.models import Models
from tests.lambdas.ordering import (
    ONE,
    TWO,
    await_config,
    crown,
)
from tests.lambdas.project import Judge, Project


@pytest.fixture
def two(project: Project, models: Models, judged: Judge) -> str:
    """The run TWO is live and ONE was before it; the execution that has the claim."""
    execution = project.claim()
    for against, (run, artifact) in enumerate(((ONE, models.right), (TWO, models.constant))):
        judged(run, artifact, execution, against=against)
        config = redeploy.handler({"execution": execution, "target": "candidate", "run": run}, None)["config"]
        await_config(project, str(config))
        crown(execution, run)
    return execution
