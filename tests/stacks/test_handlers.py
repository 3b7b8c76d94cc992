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

import pytest

from local.functions.modules import RUNTIME, folder, link
from stacks.paths import ROOT
from tests.stacks.pythons import lambdas_python
from tests.stacks.synth import Synthesized

pytestmark = pytest.mark.slow

ASKED = Path(__file__).with_name("asked.py")
GUARDED = "this-python-guarded"
FOUND = lambdas_python()


@pytest.fixture(scope="module", params=[GUARDED, *(["python3.13"] if FOUND else [])])
def python(request: pytest.FixtureRequest) -> str:
    """Which Python runs the packages; the test's id names it."""
    return str(request.param)


@pytest.fixture(scope="module")
def assembly(python: str, request: pytest.FixtureRequest) -> Synthesized:
    """The template and the packages: the local cloud's for this Python, AWS's for Lambda's."""
    made: Synthesized = request.getfixturevalue("local" if python == GUARDED else "bundled")
    return made


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
    found = assembly.handlers()
    assert sorted(len(handlers) for handlers in found.values()) == [3, 14]
    for package, handlers in found.items():
        assert asked(python, package, handlers, tmp_path) == {name: ["WrongEvent"] for name in handlers}


def test_an_import_that_the_package_lacks_is_found(python: str, assembly: Synthesized, tmp_path: Path) -> None:
    light, _ = max(assembly.handlers().items(), key=lambda item: len(item[1]))
    handlers = ["lambdas.events.deploy.on_event", "lambdas.steps.redeploy.handler", "lambdas.steps.claim.handler"]
    shared = light / "lambdas" / "model" / "hosting.py"
    whole = shared.read_text()
    try:
        shared.write_text(f"{whole}\nimport numpy\n")
        answers = asked(python, light, handlers, tmp_path)
    finally:
        shared.write_text(whole)
    lacking = "Unable to import module 'lambdas.{}': No module named 'numpy'"
    assert list(answers.values()) == [
        lacking.format("events.deploy"),
        lacking.format("steps.redeploy"),
        ["WrongEvent"],
    ]


def test_the_rule_for_light_functions_names_them_all(python: str, assembly: Synthesized) -> None:
    """Whatever they import, in a function's body too, is checked by the import contract in pyproject.toml."""
    light = max(assembly.handlers().values(), key=len)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rule = next(item for item in contracts if item["name"] == "light functions need no model runtime")
    assert set(rule["source_modules"]) == {handler.rsplit(".", 1)[0] for handler in light}
