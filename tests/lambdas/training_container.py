"""The program of the local training image in these tests: it trains nothing, but takes and leaves what a job does.

The job's hyperparameter `seconds` says how long it runs. The real toolkit takes seconds to start alone.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path


def main() -> None:
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    given = json.loads((base / "input/config/hyperparameters.json").read_text())
    time.sleep(float(given.get("seconds", 0)))
    (base / "model").mkdir(exist_ok=True)
    (base / "model/weights").write_text("none")


if __name__ == "__main__":
    main()
