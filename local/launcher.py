"""The server process of the local cloud: `python -m local.launcher`, configured by environment variables.

GATEWAY_PORT, AUTH, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and LOCAL_* (see `local/cloud.py`, which starts it).
It ends when its standard input ends, on SIGTERM and on SIGINT, always at once: nothing is worth saving, and
whatever it has started is killed by the guard.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from local.ministack import hooks
from local.sagemaker.options import Options
from local.sagemaker.service import SageMaker


def main() -> None:
    """Check the hooks, register SageMaker, serve until told to end; exits 1 when MiniStack is not the pinned one."""
    try:
        hooks.check()
    except hooks.IncompatibleMiniStackError as error:
        sys.exit(f"local cloud: {error}")
    # What it and its children write is nobody else's to read: data, models, logs.
    os.umask(0o077)
    _guard()
    _end_with_the_parent()
    port = int(os.environ["GATEWAY_PORT"])
    # MiniStack reads its settings on import, so nothing of it may be imported before the checks above.
    from local.ministack import (
        cloudformation,
        fidelity,
        functions,
        identities,
        leading_keys,
        services,
        stepfunctions,
        storage,
    )
    from local.ministack.platform import MiniStackPlatform

    service = SageMaker(MiniStackPlatform(port), Options.read())
    services.register(service)
    stepfunctions.register(service)
    cloudformation.apply()
    fidelity.apply()
    functions.apply()
    identities.apply()
    storage.apply()
    leading_keys.apply()
    if os.environ.get("LOCAL_FAULTS") == "1":
        from local.faults import Faults
        from local.ministack import faults

        faults.install(Faults(), service)
    service.tend()
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    from local.ministack.front import guarded

    front: Any = guarded(app.app, port)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    # hypercorn would otherwise wait for requests in flight; a Lambda that hangs must not keep the server.
    await serve(front, config, shutdown_trigger=asyncio.Event().wait)


def _guard() -> None:
    """Start the guard of this session; the pipe's write end stays open as long as this process lives."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    read, write = os.pipe()
    subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), str(os.getpid())],
        stdin=read,
        start_new_session=True,
    )
    os.close(read)
    os.set_inheritable(write, False)


def _end_with_the_parent() -> None:
    """Exit when standard input ends: its other end is held by whoever started the cloud."""

    def wait() -> None:
        while os.read(0, 1024):
            continue
        os._exit(0)

    if not sys.stdin.isatty():
        threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    main()
