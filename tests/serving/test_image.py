"""The image holds what the Dockerfile and requirements.txt say, and the server needs no more than that."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

from tests.serving.conftest import ROOT, serving

DOCKERFILE = (ROOT / "serving" / "Dockerfile").read_text()
TASK = "text"
LISTS = (ROOT / "serving" / "requirements.txt", ROOT / "tasks" / TASK / "requirements-predict.txt")
PINS = re.findall(r"^([a-z]+)==(\S+)$", "".join(path.read_text() for path in LISTS), re.MULTILINE)


def image_packages(into: Path) -> Path:
    """The image's directory of packages, with links to the files that are installed here."""
    deleted = set(re.findall(r"packages/(onnxruntime/\S+)", DOCKERFILE))
    assert deleted
    for name, _ in PINS:
        for file in importlib.metadata.files(name) or []:
            if file.parts[0] == ".." or "tests" in file.parts or "/".join(file.parts[:2]) in deleted:
                continue
            (into / file).parent.mkdir(parents=True, exist_ok=True)
            (into / file).symlink_to(file.locate())
    for pattern in re.findall(r"^COPY (.+) packages/\S+/$", DOCKERFILE.replace("${TASK}", TASK), re.MULTILINE):
        for source in (path for part in pattern.split() for path in ROOT.glob(part)):
            if source.name == "train.py":
                continue  # serving/Dockerfile.dockerignore
            target = into / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    return into


def test_serves_from_what_is_in_the_image(model_dir: Path, tmp_path: Path) -> None:
    packages = image_packages(tmp_path / "packages")
    variables = dict(re.findall(r"^(?:ENV)? +([A-Z_]+)=(\S+)", DOCKERFILE, re.MULTILINE))
    assert variables["PYTHONPATH"] == "/opt/serving"
    others = {"PYTHONPATH": str(packages), "PYTHONSAFEPATH": variables["PYTHONSAFEPATH"]}
    # -S: nothing of this environment's site-packages.
    with serving(model_dir, tmp_path / "log", "-S", **others) as server:
        assert server.request("GET", "/ping").status == 200
        assert server.invoke({"inputs": "x"}).status == 200
        maps = Path(f"/proc/{server.process.pid}/maps")
        if maps.exists():
            assert "/torch/" not in maps.read_text()


def test_imports_nothing_else() -> None:
    code = (
        f"import sys, serving.app, serving.server, serving.__main__, tasks.{TASK}.predict, waitress.server; "
        "print(*sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # A virtual environment may have start-up hooks of its own.
    found = {name for name in printed.split() if not name.startswith("_")}
    assert found == {"domain", "numpy", "onnxruntime", "serving", "tasks", "tokenizers", "waitress"}


def test_the_pins_are_what_is_tested_here() -> None:
    assert {name for name, _ in PINS} == {"numpy", "onnxruntime", "tokenizers", "waitress"}
    assert {name: importlib.metadata.version(name) for name, _ in PINS} == dict(PINS)
