"""The tests of the handlers give them what their package holds: an import beyond it fails here as it does on AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lambdas.project import Project


def ask(project: Project, module: str, imports: str) -> None:
    """Run a handler of that module which comes to such an import."""
    names: dict[str, Any] = {"__name__": f"lambdas.{module}"}
    exec(f"def handler(event, context):\n    import {imports}", names)
    names["handler"]({}, None)


@pytest.mark.parametrize("name", ["numpy", "onnxruntime", "tokenizers", "aws_cdk", "typer"])
def test_a_light_handler_cannot_import_what_its_package_lacks(project: Project, name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"^No module named '{name.partition('.')[0]}'$"):
        ask(project, "events.reconcile", name)


@pytest.mark.parametrize("name", ["boto3", "pydantic", "zlib_ng", "typing_extensions", "domain.layout", "csv"])
def test_it_can_import_what_it_carries(project: Project, name: str) -> None:
    ask(project, "steps.prepare", name)


def test_evaluate_has_the_model_runtime_and_no_training(project: Project) -> None:
    for name in ("numpy", "onnxruntime", "tasks.text.predict"):
        ask(project, "steps.evaluate", name)
    with pytest.raises(ModuleNotFoundError, match="'torch'"):
        ask(project, "steps.evaluate", "torch")
