"""`python -m serving [serve]`: the model in MODEL_DIR over HTTP on HOST:PORT."""

from __future__ import annotations

import os
import signal
import sys

USAGE = """usage: python -m serving [serve]

environment: MODEL_DIR (/opt/ml/model)  HOST (127.0.0.1)  PORT (8080; 0 takes a free one)  OMP_NUM_THREADS (1)
             MANIFEST_SHA256 (none: a model with any manifest.json is served)"""


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT. Returns 0, 1 if the model cannot be loaded, 2 if called wrongly."""
    if arguments not in ([], ["serve"]):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    # First of all: the kernel discards a signal that process 1 of a container does not handle, and SageMaker would wait
    # 30 seconds before it kills. Until the server runs there is no answer to finish, and no exception has to be raised.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    from serving.server import serve

    return serve()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
