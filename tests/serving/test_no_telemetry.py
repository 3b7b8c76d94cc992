"""ONNX Runtime reports to Microsoft unless it is told not to; here nothing that loads a model lets it.

It begins by writing below HOME, as soon as it is imported, and keeps quiet where it finds the variable CI: so these
tests look into a HOME of their own, without it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.conftest import ROOT, serving

RUNTIME = "import onnxruntime; onnxruntime.InferenceSession({model!r})"
PREDICTOR = "from pathlib import Path; from serving.loading import load; load(Path({folder!r})).scores(['x'])"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def run(code: str, home: Path, **others: str) -> list[str]:
    """Run a program that finds nothing but HOME; what it leaves there."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **others}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=120)
    return left_in(home)


def left_in(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*"))


def test_the_runtime_would_write_below_home(model_dir: Path, home: Path) -> None:
    # If this fails, the other tests of this file may be unable to fail.
    assert any("onnxruntime" in path for path in run(RUNTIME.format(model=str(model_dir / "model.onnx")), home))


# Only 1 turns it off: whoever wrote another value into the environment did not.
@pytest.mark.parametrize("value", ["", "0", "false"])
def test_the_predictor_of_screen_and_evaluate_does_not(model_dir: Path, home: Path, value: str) -> None:
    others = {"ORT_DISABLE_TELEMETRY": value} if value else {}
    assert run(PREDICTOR.format(folder=str(model_dir)), home, **others) == []


def test_the_server_does_not(model_dir: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "ORT_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    with serving(model_dir, tmp_path / "log", HOME=str(home), TMPDIR=str(home)) as server:
        assert server.invoke({"inputs": "x"}).status == 200
        assert left_in(home) == []
        server.process.terminate()
        assert server.process.wait(60) == 0
    assert left_in(home) == []
