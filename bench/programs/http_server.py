"""The project's WSGI application under another HTTP server. `python http_server.py SERVER PORT`, model in MODEL_DIR.

Every server gets four threads for the application. Waitress has the limits that `serving` gives it, since its own
limit of 100 connections is below what it is tried with; the others have none so low and keep their defaults.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

THREADS = 4


def application() -> Any:
    """The application over the model in MODEL_DIR."""
    from serving.app import create_app
    from serving.loading import load

    return create_app(load(Path(os.environ["MODEL_DIR"])))


def waitress(port: int) -> None:
    """As `serving` sets it up."""
    from waitress import serve

    from serving.server import server_options

    serve(application(), host="127.0.0.1", port=port, **server_options())


def cheroot(port: int) -> None:
    """A pool of threads, each with a connection of its own."""
    from cheroot.wsgi import Server

    Server(("127.0.0.1", port), application(), numthreads=THREADS).start()


def gunicorn(port: int) -> None:
    """One worker of its threaded kind."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self) -> None:
            for name, value in {"bind": f"127.0.0.1:{port}", "worker_class": "gthread", "threads": THREADS}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return application()

    Application().run()


def uvicorn(port: int) -> None:
    """ASGI, so with an adapter that runs the application in threads."""
    from a2wsgi import WSGIMiddleware
    from uvicorn import run

    run(WSGIMiddleware(application(), workers=THREADS), host="127.0.0.1", port=port, log_level="warning")


def granian(port: int) -> None:
    """One worker process, its HTTP in Rust."""
    from granian import Granian

    sys.path.insert(0, str(Path(__file__).parent))
    options = {"interface": "wsgi", "blocking_threads": THREADS, "factory": True, "log_enabled": False}
    Granian("http_server:application", address="127.0.0.1", port=port, **options).serve()


if __name__ == "__main__":
    {"waitress": waitress, "cheroot": cheroot, "gunicorn": gunicorn, "uvicorn": uvicorn, "granian": granian}[
        sys.argv[1]
    ](int(sys.argv[2]))
