"""Every handler that the template names imports from the package that the template gives it, and knows its events.

The packages are those that a synth makes. Where a Python of Lambda's version is found, it runs what AWS gets, compiled
wheels included; and always, this Python runs the same code behind the import guard of the local cloud. Neither sees
anything that is installed here beside what the package holds and what Lambda has.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.functions.modules import RUNTIME, folder, link
from stacks.paths import ROOT
from tests.stacks.pythons import lambdas_python
from tests.stacks.synth import Synthesized, synthesize

ASKED = Path(__file__).with_name("asked.py")
GUARDED = "this-python-guarded"
FOUND = lambdas_python()


@pytest.fixture(scope="module", params=[GUARDED, *(["python3.13"] if FOUND else [])])
def python(request: pytest.FixtureRequest) -> str:
    """Which Python runs the packages; the test's id names it."""
    return str(request.param)


@pytest.fixture(scope="module")
def assembly(python: str, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The template and the packages: the local cloud's for this Python, AWS's for Lambda's."""
    into = tmp_path_factory.mktemp("bundled") / "out"
    values: dict[str, Any] = {"local": "true"} if python == GUARDED else {}
    return synthesize(into, bundled=True, **values)


def packages(assembly: Synthesized) -> dict[Path, list[str]]:
    """The handlers of our functions by the folder that their code is packed from."""
    found: dict[Path, list[str]] = {}
    for function in assembly.of_type("AWS::Lambda::Function").values():
        if function["Handler"].startswith("lambdas."):
            package = assembly.folder / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
            found.setdefault(package, []).append(function["Handler"])
    return found


def asked(python: str, package: Path, handlers: list[str], folders: Path) -> dict[str, object]:
    """What `asked.py` found out about them, with nothing to import but the package and Lambda's own modules."""
    if python == GUARDED:
        program, runtime = sys.executable, folder((package / "requirements.txt").read_text(), folders)
    else:
        program, runtime = str(FOUND), folders / "runtime"
        if not runtime.exists():
            link(dict.fromkeys(RUNTIME), runtime)
    done = subprocess.run(
        [program, "-I", "-S", "-B", str(ASKED), str(package), str(runtime), *handlers],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, object] = json.loads(done.stdout)
    return answers


def test_every_handler_imports_from_its_own_package_and_names_a_wrong_event(
    python: str, assembly: Synthesized, tmp_path: Path
) -> None:
    found = packages(assembly)
    assert sorted(len(handlers) for handlers in found.values()) == [3, 14]
    for package, handlers in found.items():
        assert asked(python, package, handlers, tmp_path) == {name: ["WrongEvent"] for name in handlers}


def test_an_import_that_the_package_lacks_is_found(python: str, assembly: Synthesized, tmp_path: Path) -> None:
    light, handlers = max(packages(assembly).items(), key=lambda item: len(item[1]))
    shared = light / "lambdas" / "model" / "hosting.py"
    whole = shared.read_text()
    try:
        shared.write_text(f"{whole}\nimport numpy\n")
        answers = asked(python, light, handlers, tmp_path)
    finally:
        shared.write_text(whole)
    lacking = "Unable to import module 'lambdas.{}': No module named 'numpy'"
    assert answers["lambdas.events.lifecycle.on_event"] == lacking.format("events.lifecycle")
    assert answers["lambdas.steps.redeploy.handler"] == lacking.format("steps.redeploy")
    assert answers["lambdas.steps.claim.handler"] == ["WrongEvent"]


def test_the_rule_for_light_functions_names_them_all(python: str, assembly: Synthesized) -> None:
    """Whatever they import, in a function's body too, is checked by the import contract in pyproject.toml."""
    light = max(packages(assembly).values(), key=len)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rule = next(item for item in contracts if item["name"] == "light functions need no model runtime")
    assert set(rule["source_modules"]) == {handler.rsplit(".", 1)[0] for handler in light}
