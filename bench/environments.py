"""Environments of the baselines, each with the pins of `bench/requirements/NAME.txt`, made when first asked for.

What people use wants other packages than the project does, so nothing of it comes into the project's environment.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import tasks
from ops.bootstrap import ROOT
from stacks import unused
from stacks.images import context

REQUIREMENTS: Final = Path(__file__).parent / "requirements"
CACHE: Final = ROOT / ".cache" / "bench"


def anew(name: str) -> Path:
    """The folder NAME below .cache/bench, empty."""
    folder = CACHE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def environment(name: str) -> Path:
    """The folder of the environment NAME below .cache/bench, brought up to its pins. A second call takes no time.

    Raises subprocess.CalledProcessError, pip having said why, if it cannot be installed.
    """
    requirements, folder = REQUIREMENTS / f"{name}.txt", CACHE / name
    # Its scripts name their interpreter by its path: an environment that was moved is made anew.
    made_of = f"{sys.version}\n{folder}\n".encode() + requirements.read_bytes()
    wanted = hashlib.sha256(made_of).hexdigest()
    stamp = folder / "stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        return folder
    sys.stderr.write(f"▸ Installing {requirements.relative_to(ROOT)} into {folder.relative_to(ROOT)} (once)\n")
    shutil.rmtree(folder, ignore_errors=True)
    venv.EnvBuilder(with_pip=True).create(folder)
    _install(folder / "bin" / "python", "--requirement", str(requirements))
    stamp.write_text(wanted)
    return folder


def serving_image(task: str) -> Path:
    """The folder that `serving/Dockerfile` makes of a task as /opt/serving, made by the same steps below .cache/bench.

    Tasks of one folder have one image.

    Raises subprocess.CalledProcessError, pip having said why, if the packages cannot be installed.
    """
    name = f"image-{tasks.folder(task)}"
    folder, stamp = CACHE / name, CACHE / f"{name}.stamp"
    inputs = [ROOT / path for path in context(task)]
    wanted = hashlib.sha256(sys.version.encode() + b"".join(path.read_bytes() for path in inputs)).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    lists = [path for path in inputs if path.name.startswith("requirements")]
    requirements = [word for path in lists for word in ("--requirement", str(path))]
    packages = ("--no-compile", "--no-deps", "--only-binary=:all:", "--target", str(folder))
    _install(Path(sys.executable), *packages, *requirements)
    unused.remove(folder)
    for path in [path for path in inputs if path.suffix == ".py"]:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    unchecked = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run([sys.executable, *unchecked], check=True)
    stamp.write_text(wanted)
    return folder


def _install(python: Path, *what: str) -> None:
    quietly = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([str(python), *quietly, *what], check=True)
