"""The training tests with what AWS's training image holds: `python -m ops.aws_image` (`make test-aws-image`).

`training/aws-image.txt` says what that is. What the project's environment has in another version is installed once, in
an environment in front of it: .cache/aws-image. PyTorch stays the project's: 2.8.0 would be gigabytes with CUDA.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import tasks
from tasks import settings

ROOT: Final = Path(__file__).resolve().parents[1]
IMAGE: Final = ROOT / "training" / "aws-image.txt"
# Of the tasks whose jobs run in that image; PyTorch's, where others run, is built from what was current on a day.
_FOLDERS: Final = {
    tasks.folder(name) for name in tasks.names() if settings.training(name).aws_image.framework == "huggingface"
}
REQUIREMENTS: Final = tuple(ROOT / "tasks" / folder / "requirements-train.txt" for folder in sorted(_FOLDERS))
FOLDER: Final = ROOT / ".cache" / "aws-image"
# The Python of the image, and the tags of wheels that its Ubuntu 22.04 (glibc 2.35) takes.
_PYTHON: Final = "3.12"
_PLATFORMS: Final = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64")
# Scripts that the image has on its PATH and whose packages may be the project's.
_SCRIPTS: Final = {"train": "sagemaker_training.cli.train", "torchrun": "torch.distributed.run"}


def main() -> None:
    """Bring the environment up to its pins, look at the job's requirements, run the tests."""
    python = FOLDER / "bin" / "python"
    stamp, wanted = FOLDER / "stamp", _fingerprint()
    if not stamp.is_file() or stamp.read_text() != wanted:
        _make(python)
        _check_requirements()
        stamp.write_text(wanted)
    # Not what only a laptop or a runner of tests has: CI, for one, turns telemetry off.
    hidden = ("CI", "ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"
    own = (f"tests/tasks/{folder}/test_train.py" for folder in sorted(_FOLDERS))
    files = ["tests/training", *(file for file in own if (ROOT / file).is_file())]
    tests = ["-m", "pytest", *files, "-n", "2", "--dist", "loadfile", *sys.argv[1:]]
    sys.exit(subprocess.run([python, *tests], cwd=ROOT, env=environment).returncode)


def pins(*paths: Path) -> dict[str, str]:
    """Name to version of files of requirements, names normalized; "" where it has no version."""
    texts = [path.read_text(encoding="utf-8") for path in paths]
    lines = [line.partition("#")[0].strip() for text in texts for line in text.splitlines()]
    named = [line.partition("==") for line in lines if line]
    return {normal(name): pinned for name, _, pinned in named}


def normal(name: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def unpinned(report: Mapping[str, Any], image: Mapping[str, str], pinned: Mapping[str, str]) -> list[str]:
    """What a job would install beside `pinned` that is not in the image, by pip's installation report.

    pip would take its newest version, whatever that wants to replace.
    """
    names = {normal(item["metadata"]["name"]) for item in report["install"]}
    return sorted(names - image.keys() - pinned.keys())


def _make(python: Path) -> None:
    print("▸ Installing what AWS's image has in other versions (0.5 GB; minutes, once)", flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    venv.EnvBuilder(with_pip=True, symlinks=True).create(FOLDER)
    differing = [f"{name}=={pinned}" for name, pinned in pins(IMAGE).items() if _differs(name, pinned)]
    _pip(python, "install", "--quiet", "--no-deps", *differing)
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # Read after the environment's own packages: of two versions, the image's is found first.
    (Path(packages) / "project.pth").write_text(sysconfig.get_path("purelib"))
    for name, module in _SCRIPTS.items():
        script = python.with_name(name)
        script.write_text(f"#!{python}\nimport sys\n\nfrom {module} import main\n\nsys.exit(main())\n")
        script.chmod(0o755)


def _differs(name: str, pinned: str) -> bool:
    if name == "torch" or not pinned:
        return False
    try:
        return version(name) != pinned
    except PackageNotFoundError:
        return False  # the tests need it in no version


def _check_requirements() -> None:
    """Ends the program if a job's own installation would replace what the image has, or is not pinned throughout."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        target = ["--target", folder, "--python-version", _PYTHON, "--only-binary", ":all:"]
        platforms = [word for tag in _PLATFORMS for word in ("--platform", tag)]
        files = [*(word for file in REQUIREMENTS for word in ("--requirement", str(file))), "--constraint", str(IMAGE)]
        _pip(
            Path(sys.executable),
            *("install", "--quiet", "--dry-run", "--report", str(path)),
            *(*target, *platforms, *files),
        )
        found = unpinned(json.loads(path.read_text()), pins(IMAGE), pins(*REQUIREMENTS))
    if found:
        sys.exit(f"a task's requirements-train.txt does not pin {', '.join(found)}: a job would install the newest")


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit(f"This failed: {' '.join(command)}")


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{sys.version} {sys.prefix} {FOLDER}".encode())
    for path in (IMAGE, *REQUIREMENTS, ROOT / "requirements.txt", ROOT / "constraints.txt", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
