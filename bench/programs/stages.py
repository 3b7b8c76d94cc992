"""The stages of the server's start one after the other, as JSON on standard output. `python stages.py MODEL STARTED`.

Runs with the image's packages. STARTED is the time of the process's start, in seconds since the epoch. The server does
much of this at once, so its start is shorter than their sum where there are two CPUs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(folder: Path, started: float) -> list[tuple[str, float, float]]:
    """(stage, seconds, CPU seconds of the process) in order."""
    found: list[tuple[str, float, float]] = []
    wall, cpu = started, 0.0

    def mark(stage: str) -> None:
        nonlocal wall, cpu
        now, used = time.time(), time.process_time()
        found.append((stage, now - wall, used - cpu))
        wall, cpu = now, used

    mark("interpreter")
    import logging  # noqa: F401 (imported to be timed)

    import waitress.server  # noqa: F401 (imported to be timed)

    mark("import the HTTP server")
    import numpy  # noqa: F401 (imported to be timed)

    mark("import numpy")
    import onnxruntime  # noqa: F401 (imported to be timed)

    mark("import onnxruntime")
    import tokenizers

    mark("import tokenizers")
    import serving.app  # noqa: F401 (imported to be timed)
    from domain.artifact import MODEL
    from serving.manifest import read_manifest, verify
    from tasks import runtime
    from tasks.text import model as text
    from tasks.text import predict
    from tasks.text.manifest import TOKENIZER, Reading

    mark("import the project's modules")
    manifest = read_manifest(folder)
    verify(folder, manifest)
    mark("checksums")
    session = runtime.session(folder / MODEL, text._options(Reading.of(manifest)))
    mark("session")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))
    mark("tokenizer")
    predict.Predictor(session, tokenizer, manifest, 1).answer(["a warm, funny film"])
    mark("first prediction")
    return found


if __name__ == "__main__":
    stages = main(Path(sys.argv[1]), float(sys.argv[2]))
    sys.stdout.write(json.dumps(stages))
