"""Takes out of a folder of packages what they bring along and nothing here uses: `serving/unused.txt` names it."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final

from stacks.paths import ROOT

LIST: Final = ROOT / "serving" / "unused.txt"


def patterns() -> list[str]:
    """What the list names: paths in the folder of packages, as patterns of a shell."""
    return [line for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def remove(packages: Path, but: Collection[str] = ()) -> None:
    """Remove it, and the packages' own tests, from the folder `packages`; the patterns in `but` stay."""
    found = [path for pattern in patterns() if pattern not in but for path in packages.glob(pattern)]
    for path in (*found, *list(packages.rglob("tests"))):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
