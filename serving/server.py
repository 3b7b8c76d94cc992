"""The server: a socket, a model behind it, and an end that leaves no request unanswered.

The socket listens before the model is loaded: whoever connects meanwhile waits for the answer instead of being refused.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from domain.artifact import MANIFEST_SHA256

if TYPE_CHECKING:
    from tasks.contract import Predictor

# One to compute, others so that /ping is answered meanwhile.
SERVER_THREADS: Final = 4
# A connection that is slow or silent costs a socket and no thread, so many may be; fewer than the 1,024 files that a
# process may open where nobody allowed it more.
MAX_CONNECTIONS: Final = 1000
# Seconds without a byte after which a connection is closed: what SageMaker gives a request.
SILENCE: Final = 60
# Seconds after SIGTERM in which requests are still answered; SageMaker kills a container 30 s after it (Developer
# Guide, `your-algorithms-inference-code`).
GRACE: Final = 25


def serve() -> int:
    """Serve as the environment says until SIGTERM or SIGINT. Returns 0, or 1 if the model cannot be loaded."""
    # Before numpy is imported: its BLAS would start a thread per core, and tokenizers a pool.
    threads = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    address = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    with socket.create_server(address) as listener:
        return _serve(listener, Path(os.environ.get("MODEL_DIR", "/opt/ml/model")), threads)


def _serve(listener: socket.socket, model_dir: Path, threads: int) -> int:
    # Imported here because they take most of the start: the socket is open by now.
    from concurrent.futures import ThreadPoolExecutor

    from domain.artifact import ArtifactError

    with ThreadPoolExecutor(1) as aside:
        loading = aside.submit(_load, model_dir, threads, os.environ.get(MANIFEST_SHA256) or None)
        # What answers is imported while what predicts is imported and loaded.
        import logging

        from waitress.server import create_server

        from serving.app import create_app
        from serving.loopback import guarded

        options = server_options()
        try:
            predictor = loading.result()
        except (ArtifactError, OSError) as error:
            # OSError: a file that is there but cannot be read.
            sys.stderr.write(f"cannot serve {model_dir}: {error}\n")
            return 1
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    sockets: dict[int, Any] = {}
    application = guarded(create_app(predictor), listener.getsockname()[0])
    server = create_server(application, sockets=[listener], map=sockets, **options)
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        # Nothing is raised from here: an exception could leave a lock held for ever.
        stopping.append(number)
        server.pull_trigger()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready = {"event": "ready", "port": listener.getsockname()[1], "run": predictor.manifest.run, "threads": threads}
    sys.stderr.write(f"{json.dumps(ready)}\n")
    while not stopping:
        _turn(server, sockets, server.adj.asyncore_loop_timeout)
    _finish(server, sockets)
    server.task_dispatcher.shutdown(timeout=1)
    return 0


def _turn(server: Any, sockets: dict[int, Any], seconds: float) -> None:
    """Read and write whatever can be, once something can or `seconds` have passed."""
    server.asyncore.loop(timeout=seconds, use_poll=server.adj.asyncore_use_poll, map=sockets, count=1)


def _finish(server: Any, sockets: dict[int, Any]) -> None:
    """Answer what was asked before, for GRACE seconds at most; waitress itself would forget what waits for a thread."""
    server.accepting = False
    end = time.monotonic() + GRACE
    # What has arrived and was not read yet.
    _turn(server, sockets, 0)
    while any(_busy(channel) for channel in list(server.active_channels.values())) and time.monotonic() < end:
        # Woken by whatever can be read or written, and by a thread that has an answer.
        _turn(server, sockets, 0.05)


def _busy(channel: Any) -> bool:
    """Whether the connection has a request that came in whole or in part, or an answer that did not go out whole."""
    return bool(channel.requests or channel.request is not None or channel.total_outbufs_len)


def server_options() -> dict[str, object]:
    """What is set of waitress's; decision 23 says why, sizes are in bytes and times in seconds."""
    from tasks.formats import MAX_BODY_BYTES

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


def _load(model_dir: Path, threads: int, sealed: str | None) -> Predictor:
    from serving.loading import load

    return load(model_dir, threads, sealed=sealed)
