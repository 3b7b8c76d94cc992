"""`python -m serving [serve]`: the model in MODEL_DIR over HTTP on HOST:PORT.

The socket listens before the model is loaded: whoever connects meanwhile waits for the answer instead of being refused.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from serving.predictor import Predictor

USAGE: Final = """usage: python -m serving [serve]

environment: MODEL_DIR (/opt/ml/model)  HOST (127.0.0.1)  PORT (8080; 0 takes a free one)  OMP_NUM_THREADS (1)"""
# One to compute, others so that /ping is answered meanwhile.
SERVER_THREADS: Final = 4
# A connection that is slow or silent costs a socket and no thread, so many may be; fewer than the 1,024 files that a
# process may open where nobody allowed it more.
MAX_CONNECTIONS: Final = 1000
# Seconds without a byte after which a connection is closed: what SageMaker gives a request.
SILENCE: Final = 60


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT. Returns 0, 1 if the model cannot be loaded, 2 if called wrongly."""
    if arguments not in ([], ["serve"]):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        # As process 1 of a container Python would ignore SIGTERM.
        signal.signal(number, lambda *_: sys.exit(0))
    # Before numpy is imported: its BLAS would start a thread per core, and tokenizers a pool.
    threads = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    address = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    with socket.create_server(address) as listener:
        return _serve(listener, Path(os.environ.get("MODEL_DIR", "/opt/ml/model")), threads)


def _serve(listener: socket.socket, model_dir: Path, threads: int) -> int:
    # Imported here because they take most of the start: the socket is open by now.
    from concurrent.futures import ThreadPoolExecutor

    from serving.manifest import ArtifactError

    with ThreadPoolExecutor(1) as aside:
        loading = aside.submit(_load, model_dir, threads)
        # What answers is imported while what predicts is imported and loaded.
        import logging

        from waitress.server import create_server

        from serving.app import create_app

        options = server_options()
        try:
            predictor = loading.result()
        except ArtifactError as error:
            sys.stderr.write(f"cannot serve {model_dir}: {error}\n")
            return 1
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    sockets: dict[int, object] = {}
    server = create_server(create_app(predictor), sockets=[listener], map=sockets, **options)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # The loop ends once it has no socket. Raised from here, an exception could leave a lock held for ever.
        sockets.clear()
        server.pull_trigger()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready = {"event": "ready", "port": listener.getsockname()[1], "run": predictor.manifest.run, "threads": threads}
    sys.stderr.write(f"{json.dumps(ready)}\n")
    server.run()
    server.task_dispatcher.shutdown()
    return 0


def server_options() -> dict[str, object]:
    """What is set of waitress's; decision 23 says why, sizes are in bytes and times in seconds."""
    from serving.protocol import MAX_BODY_BYTES

    return {
        "threads": SERVER_THREADS,
        "ident": None,
        "connection_limit": MAX_CONNECTIONS,
        "channel_timeout": SILENCE,
        # Not select(2), which knows no descriptor beyond 1023.
        "asyncore_use_poll": True,
        # The application says 413 in JSON; the server steps in where it would have to store much more than that.
        "max_request_body_size": 2 * MAX_BODY_BYTES,
        # Nothing is spilled to disk.
        "inbuf_overflow": 4 * MAX_BODY_BYTES,
        "outbuf_overflow": 4 * MAX_BODY_BYTES,
    }


def _load(model_dir: Path, threads: int) -> Predictor:
    from serving.predictor import Predictor

    return Predictor.load(model_dir, threads)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
