"""The image holds what the Dockerfile and requirements.txt say, and the server needs no more than that."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from stacks import unused
from tests.serving.conftest import ROOT, serving

DOCKERFILE = (ROOT / "serving" / "Dockerfile").read_text()
TASKS = {
    "text": {"domain", "numpy", "onnxruntime", "serving", "tasks", "tokenizers", "waitress"},
    "tabular": {"domain", "numpy", "onnxruntime", "serving", "tasks", "waitress"},
    "image": {"PIL", "domain", "numpy", "onnxruntime", "serving", "tasks", "waitress"},
}
# What a package is called in Python, where that is another name.
IMPORTED = {"pillow": "PIL"}


def pins(task: str) -> dict[str, str]:
    """What the image of a task installs: versions by name."""
    lists = (ROOT / "serving" / "requirements.txt", ROOT / "tasks" / task / "requirements-predict.txt")
    return dict(re.findall(r"^([a-z]+)==(\S+)$", "".join(path.read_text() for path in lists), re.MULTILINE))


def image_packages(task: str, into: Path) -> Path:
    """The directory of packages of a task's image, with links to the files that are installed here."""
    link(pins(task), into)
    unused.remove(into)
    for pattern in re.findall(r"^COPY (.+) packages/\S+/$", DOCKERFILE.replace("${TASK}", task), re.MULTILINE):
        for source in (path for part in pattern.split() for path in ROOT.glob(part)):
            if source.name == "train.py":
                continue  # serving/Dockerfile.dockerignore
            target = into / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    return into


def link(names: Iterable[str], into: Path) -> None:
    """Link each file that these distributions have installed here, before anything is taken out."""
    for name in names:
        for file in importlib.metadata.files(name) or []:
            # Scripts lie elsewhere.
            if file.parts[0] != "..":
                (into / file).parent.mkdir(parents=True, exist_ok=True)
                (into / file).symlink_to(file.locate())


def serves_from_its_image(task: str, model_dir: Path, inputs: object, into: Path) -> None:
    """A model of the task is served with what is in its image, and nothing else."""
    packages = image_packages(task, into / "packages")
    variables = dict(re.findall(r"^(?:ENV)? +([A-Z_]+)=(\S+)", DOCKERFILE, re.MULTILINE))
    assert variables["PYTHONPATH"] == "/opt/serving"
    others = {"PYTHONPATH": str(packages), "PYTHONSAFEPATH": variables["PYTHONSAFEPATH"]}
    # -S: nothing of this environment's site-packages.
    with serving(model_dir, into / "log", "-S", **others) as server:
        assert server.request("GET", "/ping").status == 200
        assert server.invoke({"inputs": inputs}).status == 200
        maps = Path(f"/proc/{server.process.pid}/maps")
        if maps.exists():
            assert not any(f"/{name}/" in maps.read_text() for name in ("torch", "sklearn"))


def imported(task: str) -> list[str]:
    """The modules that a server of the task has when it starts."""
    code = (
        f"import sys, serving.app, serving.server, serving.__main__, tasks.{task}.predict, waitress.server; "
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_all_that_is_taken_out_is_there_without_that(tmp_path: Path) -> None:
    """Else a new version calls it otherwise, and it comes back."""
    for task in TASKS:
        link(pins(task), tmp_path / task)
    assert [pattern for pattern in unused.patterns() if not list(tmp_path.glob(f"*/{pattern}"))] == []


def test_the_image_is_made_by_that_list() -> None:
    assert '$(grep -v "^#" ../unused.txt)' in DOCKERFILE


def test_serves_from_what_is_in_the_image(model_dir: Path, tmp_path: Path) -> None:
    serves_from_its_image("text", model_dir, "x", tmp_path)


@pytest.mark.parametrize("task", TASKS)
def test_imports_nothing_else(task: str) -> None:
    found = {name.split(".")[0] for name in imported(task)} - set(sys.stdlib_module_names)
    # A virtual environment may have start-up hooks of its own, and so has a measured one (make coverage).
    hooks = {name for name in found if name.startswith(("_", "$"))} | {"coverage"}
    assert found - hooks == TASKS[task]


def test_texts_are_served_without_the_rules_of_files() -> None:
    assert not [name for name in imported("text") if name.startswith("domain.data")]


@pytest.mark.parametrize("task", TASKS)
def test_the_pins_are_what_is_tested_here(task: str) -> None:
    assert {IMPORTED.get(name, name) for name in pins(task)} == TASKS[task] - {"domain", "serving", "tasks"}
    assert {name: importlib.metadata.version(name) for name in pins(task)} == pins(task)
