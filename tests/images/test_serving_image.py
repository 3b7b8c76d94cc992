"""The serving image, run as SageMaker may run it: any user, little of everything, and an end that it announces."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tasks.text.requests import MAX_BODY_BYTES
from tests.images.container import UNKNOWN, Container, started
from tests.images.engine import IMAGE, Engine
from tests.images.registry import registry
from tests.text_model import load

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
WRITABLE = """
import os
for folder, _, _ in os.walk("/"):
    if not folder.startswith(("/proc", "/sys", "/dev")):
        try:
            open(f"{folder}/probe", "w").close()
            print(folder)
            os.unlink(f"{folder}/probe")
        except OSError:
            pass
"""
UNREADABLE = """
import os, stat
for top in ("/opt/serving", os.path.dirname(os.__file__), "/usr/local/bin"):
    for folder, _, files in os.walk(top):
        for path, needed in [(folder, 0o555), *((f"{folder}/{file}", 0o444) for file in files)]:
            if os.stat(path).st_mode & needed != needed:
                print(path)
"""


def test_it_is_asked_for_with_the_media_types_that_sagemaker_takes(engine: Engine) -> None:
    with registry() as pushed_to:
        name = f"{pushed_to.host}/serving:pushed"
        engine("tag", IMAGE, name)
        try:
            engine("push", *engine.push_flags, name)
        finally:
            engine("rmi", name, check=False)
        (manifest,) = pushed_to.manifests
    assert manifest.media_type == manifest.content["mediaType"] == DOCKER_MANIFEST
    parts = [manifest.content["config"], *manifest.content["layers"]]
    assert [part["mediaType"] for part in parts if not part["mediaType"].startswith("application/vnd.docker.")] == []


def test_it_answers_like_the_code_here(server: Container, model: Path) -> None:
    assert (server.ask("GET", "/ping").status, server.ask("GET", "/ping").json) == (200, {})
    texts = ["a good film", "a bad film", ""]
    reply = server.invoke({"inputs": texts, "parameters": {"top_k": None}})
    assert (reply.status, reply.content_type) == (200, "application/json")
    for found, expected in zip(reply.json, load(model).predict(texts, None), strict=True):
        assert [one["label"] for one in found] == [one.label for one in expected]
        assert [one["score"] for one in found] == pytest.approx([one.score for one in expected], abs=1e-5)


def test_bad_requests_are_told_what_is_wrong(server: Container) -> None:
    reply = server.invoke({"inputs": 1})
    assert (reply.status, reply.json) == (400, {"error": '"inputs" must be a text or a list of texts'})
    assert server.ask("POST", "/invocations", b"a,b", "application/xml").status == 415
    assert server.ask("GET", "/nothing").status == 404
    reply = server.ask("POST", "/invocations", json.dumps({"inputs": "x" * MAX_BODY_BYTES}).encode())
    assert (reply.status, reply.content_type) == (413, "application/json")
    assert "at most 4194304" in reply.json["error"]


def test_the_user_has_no_name_or_is_root(server: Container) -> None:
    known = server.python("import os, pwd; print(os.getuid(), os.getuid() in {u.pw_uid for u in pwd.getpwall()})")
    assert known.split() in (["0", "True"], [UNKNOWN.split(":")[0], "False"])


def test_only_tmp_can_be_written_to_and_is_not(server: Container) -> None:
    assert server.invoke({"inputs": "x"}).status == 200
    assert server.python("import os; print(os.listdir('/tmp'))").strip() == "[]"
    assert server.python(WRITABLE).split() == ["/tmp"]


def test_nobody_is_kept_from_reading(engine: Engine, server: Container) -> None:
    assert server.python(UNREADABLE) == ""
    assert engine("inspect", "--format", "{{.Config.User}}", IMAGE).stdout.strip() == b""


def test_the_runtime_left_nothing_in_the_image(server: Container) -> None:
    # It is imported as root while the image is built.
    found = server.python("import os; print([f for f, d, _ in os.walk('/') if '.onnxruntime' in d or '.cache' in d])")
    assert found.strip() == "[]"


def test_without_a_home_and_with_little_of_an_environment(engine: Engine, model: Path) -> None:
    few = ("env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONPATH=/opt/serving", "HOST=0.0.0.0", "PORT=8080")
    command = (*few[1:], "python", "-m", "serving", "serve")
    with started(engine, model, "--entrypoint", few[0], command=command) as container:
        assert container.ask("GET", "/ping").status == 200
        assert container.python("import os; print(os.listdir('/tmp'))").strip() == "[]"


@pytest.mark.parametrize("outside", [False, True])
def test_model_files_may_be_symlinks(engine: Engine, copy: Path, tmp_path: Path, outside: bool) -> None:
    store = tmp_path / "store" if outside else copy / ".store"
    store.mkdir()
    target = "/opt/ml/store" if outside else ".store"
    for number, file in enumerate(sorted(path for path in copy.iterdir() if path.is_file())):
        file.rename(store / f"blob-{number}")
        file.symlink_to(f"{target}/blob-{number}")
    with started(engine, copy, "-v", f"{tmp_path}:/opt/ml/others:ro", "-v", f"{store}:/opt/ml/store:ro") as container:
        assert container.ask("GET", "/ping").status == 200, container.log()


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "model.onnx.data", "tokenizer.json", "."])
def test_a_model_that_cannot_be_read_is_one_sentence(engine: Engine, copy: Path, name: str) -> None:
    (copy / name).chmod(0)
    with started(engine, copy) as container:
        assert container.wait() == 1
        said = container.log()
    (copy / name).chmod(stat.S_IRWXU)
    assert said.startswith("cannot serve /opt/ml/model: ")
    assert "Permission denied" in said
    assert said.count("\n") == 1


def test_it_ends_when_told_while_it_starts(engine: Engine, model: Path) -> None:
    with started(engine, model) as container:
        _wait_until_it_listens_to_signals(container)
        engine("kill", "--signal", "TERM", container.name)
        assert container.wait() == 0
        assert "Traceback" not in container.log()


CLIENTS = """
import http.client, json, threading
body = json.dumps({"inputs": ["a good film " * 20] * 256})
def ask():
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
    connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    print(connection.getresponse().status, flush=True)
threads = [threading.Thread(target=ask) for _ in range(24)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_it_answers_what_was_asked_before_it_was_told_to_end(engine: Engine, model: Path) -> None:
    with started(engine, model) as container:
        assert container.ask("GET", "/ping").status == 200
        # In a container of their own, because all else in the server's ends with it.
        client = ["run", "--rm", "--network", f"container:{container.name}", *engine.flags, "--entrypoint", "python"]
        with subprocess.Popen([*engine.command, *client, IMAGE, "-c", CLIENTS], stdout=subprocess.PIPE) as clients:
            assert clients.stdout is not None
            first = clients.stdout.readline()
            engine("kill", "--signal", "TERM", container.name)
            others = clients.stdout.read()
        assert (first + others).split() == [b"200"] * 24
        assert container.wait() == 0
        assert "Traceback" not in container.log()


def _wait_until_it_listens_to_signals(container: Container) -> None:
    """The kernel discards SIGTERM for process 1 until Python has come so far as to handle it."""
    status = Path(f"/proc/{container.inspect('Pid')}/status")
    while True:
        (caught,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        if int(caught, 16) & 1 << 14:
            return
        time.sleep(0.001)
