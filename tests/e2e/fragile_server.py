"""The serving command of the end-to-end tests: the real server, unless the test asks new models to fail their ping."""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Refuse to start for any run but the one named in the file $FRAGILE, if that file exists."""
    switch = Path(os.environ["FRAGILE"])
    run = json.loads((Path(os.environ["MODEL_DIR"]) / "manifest.json").read_text())["run"]
    if switch.exists() and switch.read_text() != run:
        sys.exit(f"the test wants run {run} to fail")
    runpy.run_module("serving", run_name="__main__")


if __name__ == "__main__":
    main()
