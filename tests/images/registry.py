"""A registry that takes what is pushed, throws layers away and remembers manifests with their media types.

Docker pushes without TLS to 127.0.0.1 alone. What a client sends is in the OCI distribution specification ("Push").
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Manifest(NamedTuple):
    media_type: str
    content: dict[str, Any]


class Registry(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.manifests: list[Manifest] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/v2/" else 404)

    def do_HEAD(self) -> None:
        self._answer(404)

    def do_POST(self) -> None:
        self._body()
        self._answer(202, Location=f"{self.path.split('?')[0].rstrip('/')}/{uuid.uuid4()}", Range="0-0")

    def do_PATCH(self) -> None:
        received = len(self._body())
        self._answer(202, Location=self.path.split("?")[0], Range=f"0-{max(received - 1, 0)}")

    def do_PUT(self) -> None:
        body = self._body()
        if "/manifests/" in self.path:
            self.server.manifests.append(Manifest(self.headers["Content-Type"], json.loads(body)))
        self._answer(201, Location=self.path.split("?")[0])

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-API-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def registry() -> Iterator[Registry]:
    """A registry on this machine, until the block ends."""
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
