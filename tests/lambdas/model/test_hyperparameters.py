"""What Prepare asks of a training job: nothing that a shell could read, and another run on other machines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from domain.hyperparameters import decode
from tests.lambdas.project import Project, reviews
from tests.lambdas.steps.test_prepare import again, ask


def test_what_a_person_wrote_is_never_a_command(project: Project) -> None:
    """The toolkit of AWS's image gives a shell all that does not begin with `sagemaker_`."""
    name = 'a "b" $(touch x); c\'d'
    project.configure(data={"features": [name]}, training={"base_model": name, "base_revision": name})
    project.drop("a.jsonl", "".join(json.dumps({name: f"{n} words", "label": "ab"[n % 2]}) + "\n" for n in range(300)))
    made = ask(project.claim())["hyperparameters"]
    for value in (json.loads(text) for key, text in made.items() if not key.startswith("sagemaker_")):
        assert re.fullmatch(r"[\w.:+-]+", str(value), re.ASCII)
    assert decode(json.loads(made["features"])) == [name]


@pytest.mark.parametrize("machine", [{"instance_count": 2}, {"instance_type": "ml.g5.xlarge"}])
def test_on_other_machines_it_is_another_run(project: Project, machine: dict[str, Any]) -> None:
    """Its checkpoints are of no use there."""
    project.drop("a.csv", reviews(40))
    first = ask(project.claim())
    project.configure(training=machine)
    second = again(project)
    assert second["run"] != first["run"]
    assert second["checkpoints"] != first["checkpoints"]
