"""The image, built once, and a model to mount into it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stacks.images import OUTPUT
from tests.images.container import UNKNOWN, Container, started
from tests.images.engine import IMAGE, Engine, find
from tests.tiny_model import tiny_artifact

FIGURES = pytest.StashKey[list[str]]()
ROOT_USER = "0:0"


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Engine:
    """What runs the image, which it has built."""
    found = find()
    found.build(OUTPUT)
    size = int(found("image", "inspect", "--format", "{{.Size}}", IMAGE).stdout)
    figure(pytestconfig, f"built by {found.name}, {size / 1e6:.0f} MB")
    return found


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_artifact(tmp_path_factory.mktemp("model") / "tiny", ["bad", "good"], run="run-1").parent / "model"


@pytest.fixture(scope="session", params=[ROOT_USER, UNKNOWN])
def server(
    request: pytest.FixtureRequest, engine: Engine, model: Path, pytestconfig: pytest.Config
) -> Iterator[Container]:
    """The image at work, as root and as a user whom nobody knows."""
    with started(engine, model, user=request.param) as container:
        assert container.ask("GET", "/ping").status == 200, container.log()
        yield container
        peak = next(line.split()[1] for line in _status(container).splitlines() if line.startswith("VmHWM"))
        figure(
            pytestconfig,
            f"as {request.param}: ready {container.seconds_to_ready():.2f} s after the start, "
            f"{int(peak) / 1024:.0f} MiB at most",
        )


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    """A model of the test's own."""
    return Path(shutil.copytree(model, tmp_path / "copy"))


def figure(config: pytest.Config, text: str) -> None:
    """Show a figure at the end."""
    config.stash.setdefault(FIGURES, []).append(text)


def _status(container: Container) -> str:
    return container.python("print(open('/proc/1/status').read())")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for text in config.stash.get(FIGURES, []):
        terminalreporter.write_line(f"serving image: {text}")
