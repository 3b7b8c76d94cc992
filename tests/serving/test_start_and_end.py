"""How a server starts where it may read nothing, and how it ends: at once, or after what it was asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.serving.conftest import ROOT, Server, environment, serving

COMMAND = [sys.executable, "-m", "serving"]


@pytest.fixture
def copy(model_dir: Path, tmp_path: Path) -> Path:
    """A model of the test's own."""
    return Path(shutil.copytree(model_dir, tmp_path / "copy"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_while_the_model_loads(copy: Path, number: signal.Signals) -> None:
    (copy / "manifest.json").unlink()
    os.mkfifo(copy / "manifest.json")
    with (
        subprocess.Popen(COMMAND, cwd=ROOT, env=environment(copy), stderr=subprocess.PIPE) as server,
        # Opens once the server reads it; and that would go on for ever.
        (copy / "manifest.json").open("wb"),
    ):
        server.send_signal(number)
        _, said = server.communicate(timeout=60)
    assert (server.returncode, said) == (0, b"")


@pytest.mark.parametrize("after", [0, 0.02, 0.05, 0.1, 0.2])
def test_it_ends_quietly_whenever_it_is_told(model_dir: Path, after: float) -> None:
    with subprocess.Popen(COMMAND, cwd=ROOT, env=environment(model_dir), stderr=subprocess.PIPE) as server:
        threading.Event().wait(after)
        server.terminate()
        _, said = server.communicate(timeout=60)
    # Before Python comes to our code the signal itself ends the process.
    assert server.returncode in (0, -signal.SIGTERM)
    assert b"Traceback" not in said


def test_it_answers_what_waits_for_a_thread(model_dir: Path, tmp_path: Path) -> None:
    body = {"inputs": ["this film is great and not dull " * 10] * 256}
    statuses: list[int] = []
    answered = threading.Event()
    with serving(model_dir, tmp_path / "log") as server:

        def ask() -> None:
            with closing(Server(server.process, server.port)) as client:
                statuses.append(client.invoke(body).status)
            answered.set()

        clients = [threading.Thread(target=ask) for _ in range(16)]
        for client in clients:
            client.start()
        assert answered.wait(60)
        server.process.terminate()
        for client in clients:
            client.join()
        assert statuses == [200] * 16
        assert server.process.wait(60) == 0


def test_it_answers_a_request_that_is_still_coming_in(model_dir: Path, tmp_path: Path) -> None:
    body = json.dumps({"inputs": "great"}).encode()
    named = f"Host: localhost\r\nConnection: close\r\nContent-Length: {len(body)}"
    head = f"POST /invocations HTTP/1.1\r\n{named}\r\n\r\n".encode()
    with (
        serving(model_dir, tmp_path / "log") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as client,
    ):
        client.sendall(head + body[:5])
        # Connections are read in their order, so by this answer the other one's beginning was read.
        assert server.request("GET", "/ping").status == 200
        server.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.5)
        client.sendall(body[5:])
        reply = b"".join(iter(lambda: client.recv(4096), b""))
        assert reply.startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "model.onnx.data", "tokenizer.json"])
def test_a_file_that_cannot_be_read_is_one_sentence(copy: Path, name: str) -> None:
    # Nobody can read it, not even root, whom modes do not stop.
    (copy / name).unlink()
    (copy / name).symlink_to(name)
    ended = subprocess.run(COMMAND, cwd=ROOT, env=environment(copy), capture_output=True, timeout=120)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"cannot serve {copy}: ".encode())
    assert name.encode() in ended.stderr
    assert ended.stderr.count(b"\n") == 1


def test_a_tokenizer_that_the_library_refuses_is_one_sentence(copy: Path) -> None:
    from domain.artifact import sha256_file

    (copy / "tokenizer.json").write_text('{"version": "9"}')
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sha256"]["tokenizer.json"] = sha256_file(copy / "tokenizer.json")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    ended = subprocess.run(COMMAND, cwd=ROOT, env=environment(copy), capture_output=True, timeout=120)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"cannot serve {copy}: tokenizer.json cannot be loaded: ".encode())
    assert ended.stderr.count(b"\n") == 1


def test_model_files_may_be_symlinks(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    for number, file in enumerate(sorted(copy.iterdir())):
        file.rename(tmp_path / "store" / f"blob-{number}")
        file.symlink_to(f"../store/blob-{number}")
    with serving(copy, tmp_path / "log") as server:
        assert server.request("GET", "/ping").status == 200
