"""Clients that are slow or silent take nothing from the others."""

from __future__ import annotations

import itertools
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.serving.conftest import serving

HEADER = (
    b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
)
# Nothing, a line that goes on and on, and a body that does.
BEGINNINGS = (b"", b"POST /invocations HTTP/1.1\r\nX-Endless: ", HEADER)


def test_hundreds_of_slow_clients_do_not_hold_the_server(model_dir: Path, tmp_path: Path) -> None:
    with serving(model_dir, tmp_path / "log") as server, ExitStack() as stack:
        slow = []
        for beginning, _ in zip(itertools.cycle(BEGINNINGS), range(450), strict=False):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            client.sendall(beginning)
            slow.append(client)
        answered = threading.Event()

        def drip() -> None:
            # A byte to each of them, over and over, but never to those that are silent.
            while not answered.wait(0.2):
                for number, client in enumerate(slow):
                    if BEGINNINGS[number % len(BEGINNINGS)]:
                        client.sendall(b" ")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            replies = [server.invoke({"inputs": f"film {number}"}).status for number in range(30)]
        finally:
            answered.set()
            dripping.join()
        assert replies == [200] * 30
        assert server.request("GET", "/ping").status == 200
        assert "connection limit" not in (tmp_path / "log").read_text()
