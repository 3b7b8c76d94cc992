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

from ops.bootstrap import ROOT

REQUIREMENTS: Final = Path(__file__).parent / "requirements"
CACHE: Final = ROOT / ".cache" / "bench"


def environment(name: str) -> Path:
    """The folder of the environment NAME below .cache/bench, brought up to its pins. A second call takes no time.

    Raises subprocess.CalledProcessError, pip having said why, if it cannot be installed.
    """
    requirements, folder = REQUIREMENTS / f"{name}.txt", CACHE / name
    wanted = hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()
    stamp = folder / "stamp"
    if stamp.is_file() and stamp.read_text() == wanted:
        return folder
    sys.stderr.write(f"▸ Installing {requirements.relative_to(ROOT)} into {folder.relative_to(ROOT)} (once)\n")
    shutil.rmtree(folder, ignore_errors=True)
    venv.EnvBuilder(with_pip=True).create(folder)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)
    stamp.write_text(wanted)
    return folder
