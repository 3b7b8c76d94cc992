"""The server serves the model that was judged, or says in one sentence that it is another one, and ends.

It sees unpacked files and never the archive: so it is told the manifest's SHA-256, and the manifest says the rest.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from domain.artifact import MANIFEST_SHA256, UnlistedFile, sha256_file
from tasks.text.model import TokenizerUnusable
from tests.serving.conftest import LABELS, ROOT, environment, serving
from tests.text_model import load
from tests.tiny_model import tiny_artifact

_WORDS = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "[UNK]"}
TOKENIZERS = {
    "no JSON": "",
    "no tokenizer": "{}",
    "no token for unknown words": json.dumps({"version": "1.0", "added_tokens": [], "model": _WORDS}),
    # Where the library panics, which is no Exception.
    "a broken character map": json.dumps(
        {
            "version": "1.0",
            "added_tokens": [],
            "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
            "model": {**_WORDS, "vocab": {"[UNK]": 0}},
        }
    ),
}


@pytest.fixture
def copy(model_dir: Path, tmp_path: Path) -> Path:
    """A model of the test's own."""
    return Path(shutil.copytree(model_dir, tmp_path / "copy"))


def refusal(model: Path, **told: str) -> str:
    """The last line of a server that does not come up."""
    ended = subprocess.run(
        [sys.executable, "-m", "serving"],
        cwd=ROOT,
        env=environment(model, **told),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()[-1]


def test_the_model_that_was_judged_is_served(copy: Path, tmp_path: Path) -> None:
    told = {MANIFEST_SHA256: sha256_file(copy / "manifest.json")}
    with serving(copy, tmp_path / "log", **told) as server:
        assert server.request("GET", "/ping").status == 200


def test_another_whole_model_is_not(copy: Path, tmp_path: Path) -> None:
    """Each of its files has the checksum that its own manifest gives."""
    told = {MANIFEST_SHA256: sha256_file(copy / "manifest.json")}
    other = tiny_artifact(tmp_path / "other", LABELS, seed=9, run="run-1").parent / "model"
    found = sha256_file(other / "manifest.json")
    assert refusal(other, **told) == (
        f"cannot serve {other}: manifest.json has the SHA-256 {found}, not the {told[MANIFEST_SHA256]} that "
        "MANIFEST_SHA256 names: it is not the model that was judged"
    )


@pytest.mark.parametrize("name", ["model.onnx.1", ".hidden", "deeper/file"])
def test_nor_is_what_has_anything_more_in_it(copy: Path, name: str) -> None:
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_bytes(b"more")
    told = {MANIFEST_SHA256: sha256_file(copy / "manifest.json")}
    first = name.split("/")[0]
    said = f"{first!r} is not listed in manifest.json: nothing says what it should hold"
    assert refusal(copy, **told) == f"cannot serve {copy}: {said}"


def linked(model: Path) -> Path:
    """Let a model's files be links into a folder beside them, as some mounts have it; that folder."""
    store = model / ".store"
    store.mkdir()
    for number, file in enumerate(sorted(path for path in model.iterdir() if path.is_file())):
        file.rename(store / f"blob-{number}")
        file.symlink_to(f".store/blob-{number}")
    return store


def test_a_mount_may_keep_the_files_in_a_folder_beside_links_to_them(copy: Path) -> None:
    linked(copy)
    load(copy)


@pytest.mark.parametrize("more", ["file", "link to a file", "link to a folder", "deeper/file"])
def test_but_nothing_else_in_that_folder(copy: Path, tmp_path: Path, more: str) -> None:
    added = linked(copy) / more
    added.parent.mkdir(exist_ok=True)
    if more.startswith("link"):
        target = tmp_path if more.endswith("folder") else Path(__file__)
        added.symlink_to(target)
    else:
        added.write_bytes(b"more")
    with pytest.raises(UnlistedFile, match=r"'\.store' is not listed"):
        load(copy)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_broken_tokenizer_has_a_name(copy: Path, name: str) -> None:
    (copy / "tokenizer.json").write_text(TOKENIZERS[name])
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sha256"]["tokenizer.json"] = sha256_file(copy / "tokenizer.json")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(TokenizerUnusable, match=r"tokenizer\.json cannot be (loaded|used): "):
        load(copy)
    assert refusal(copy).startswith(f"cannot serve {copy}: tokenizer.json cannot be ")
