"""What is uploaded: the Lambda packages and the training code. Complete, runnable on AWS, the same each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

from stacks import bundling, unused
from stacks.bundling import EVALUATE, LIGHT, BundlingError, Package
from stacks.paths import ROOT, fingerprint, source_files
from stacks.sourcedir import archive, compressed
from tests.serving.test_image import link
from tests.stacks import answering
from tests.stacks.pythons import lambdas_python
from tests.stacks.synth import Synthesized
from tests.tiny_model import tiny_artifact

pytestmark = pytest.mark.slow

TASK = "text"
HERE, FOUND = sys.executable, lambdas_python()

# Lambda's limit of a function's code, unzipped.
MOST_BYTES = 250 * 1024 * 1024
# Amazon Linux 2023, on which Lambda runs python3.13, has glibc 2.34.
GLIBC = (2, 34)


@pytest.fixture(scope="module", params=[LIGHT, EVALUATE], ids=["light", "evaluate"])
def package(request: pytest.FixtureRequest) -> Package:
    """One of the two packages."""
    chosen: Package = request.param
    return chosen


@pytest.fixture(scope="module")
def made(package: Package, bundled: Synthesized) -> Path:
    """The package, with the wheels that set-up fetched."""
    return package_with(bundled, "claim" if package is LIGHT else "evaluate")


def package_with(bundled: Synthesized, step: str) -> Path:
    """The folder of the package that the step's function gets."""
    return next(folder for folder, named in bundled.handlers().items() if f"lambdas.steps.{step}.handler" in named)


def test_every_wheel_runs_on_lambda(made: Path) -> None:
    tags = [
        line.removeprefix("Tag: ")
        for wheel in made.glob("*.dist-info/WHEEL")
        for line in wheel.read_text().splitlines()
        if line.startswith("Tag: ")
    ]
    assert tags
    for name in {wheel.parent.name for wheel in made.glob("*.dist-info/WHEEL")}:
        of_wheel = re.findall(r"^Tag: (.*)$", (made / name / "WHEEL").read_text(), re.MULTILINE)
        assert any(_runs_on_lambda(tag) for tag in of_wheel), f"{name} is for {of_wheel}"


def test_what_is_compiled_is_for_its_python_and_its_processor(made: Path) -> None:
    for library in made.rglob("*.so"):
        assert re.search(r"cpython-313-x86_64-linux-gnu|abi3", library.name) or "." not in library.stem, library


def test_its_pins_are_those_that_the_tests_ran_with(package: Package) -> None:
    text = "\n".join((ROOT / file).read_text() for file in package.requirements(TASK))
    pins = re.findall(r"^([a-z0-9-]+)==(.+)$", text, re.MULTILINE)
    assert len(pins) >= 8
    for name, pinned in pins:
        assert version(name) == pinned


def test_it_fits_into_lambda(made: Path) -> None:
    assert sum(path.stat().st_size for path in made.rglob("*") if path.is_file()) < MOST_BYTES


def test_it_carries_our_code_and_nothing_else_of_ours(made: Path, package: Package) -> None:
    for name in ("domain", "lambdas", "ledger", "serving"):
        there = {path.relative_to(made) for path in (made / name).rglob("*.py")}
        assert there == (
            {path.relative_to(ROOT) for path in (ROOT / name).rglob("*.py")} if name in package.code else set()
        )
    of_task = {path.relative_to(made / "tasks" / TASK).as_posix() for path in (made / "tasks" / TASK).rglob("*.py")}
    assert {"row.py", "predict.py"} <= of_task
    assert not any(name == "train.py" or name.startswith("training/") for name in of_task)
    assert [path.name for path in (made / "tasks").iterdir() if path.is_dir()] == [TASK]
    assert not any((made / name).exists() for name in ("stacks", "local", "ops", "tests", "training"))
    assert not list(made.rglob("__pycache__"))


def test_no_dependency_of_a_light_wheel_is_left_out(bundled: Synthesized) -> None:
    """The requirements are the whole closure: what a wheel wants is in the list, or comes with Lambda's runtime."""
    light = package_with(bundled, "claim")
    there = {_normal(path.name.split("-")[0]) for path in light.glob("*.dist-info")}
    for metadata in light.glob("*.dist-info/METADATA"):
        wanted = re.findall(r"^Requires-Dist: ([A-Za-z0-9_.-]+)(?!.*extra ==)", metadata.read_text(), re.MULTILINE)
        missing = {_normal(name) for name in wanted} - there - {"boto3", "botocore"}
        assert not missing, f"{metadata.parent.name} wants {missing}"


@pytest.mark.parametrize("python", [HERE, *([FOUND] if FOUND else [])])
def test_what_is_left_of_the_libraries_answers_and_judges(python: str, bundled: Synthesized, tmp_path: Path) -> None:
    """Lambda's Python runs what AWS gets, where one is found; this one, always, what is installed here."""
    code = package_with(bundled, "evaluate")
    if python == HERE:
        pins = "\n".join((ROOT / file).read_text() for file in EVALUATE.requirements(TASK))
        link(set(re.findall(r"^([a-z0-9-]+)==", pins, re.MULTILINE)), tmp_path / "code")
        unused.remove(tmp_path / "code", but=bundling.DRAWS)
        for name in (*EVALUATE.code, "tasks"):
            (tmp_path / "code" / name).symlink_to(ROOT / name)
        code = tmp_path / "code"
    assert not list(code.rglob("libonnxruntime.so.*"))
    model = tiny_artifact(tmp_path / "model", ["negative", "positive"], run="run-1").parent / "model"
    done = subprocess.run(
        [python, "-I", "-S", "-B", answering.__file__, str(code), str(model)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == answering.computed(model)


def test_a_missing_wheel_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BundlingError, match="make setup"):
        bundling.assemble(LIGHT, TASK, tmp_path / "out", wheels=tmp_path)


def test_a_local_package_is_the_code_and_the_list_of_what_the_other_one_carries(
    made: Path, package: Package, tmp_path: Path
) -> None:
    bundling.assemble(package, TASK, tmp_path, wheels=None)
    assert {path.name for path in tmp_path.iterdir()} == {*package.code, "tasks", "requirements.txt"}
    carried = {_normal(path.stem.split("-")[0]): path.stem.split("-")[1] for path in made.glob("*.dist-info")}
    listed = dict(line.split("==") for line in (tmp_path / "requirements.txt").read_text().splitlines())
    assert listed == carried


def test_a_fingerprint_sees_names_and_contents_only(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "code", tmp_path / "b" / "code"
    for folder in (first, second):
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "one.py").write_text("1")
        (folder / "__pycache__" / "one.pyc").write_text(str(folder))
    os.utime(second / "one.py", (1, 1))

    def seen(folder: Path, *extra: str) -> str:
        return fingerprint(folder.parent, source_files(folder), extra)

    assert seen(first) == seen(second)
    (second / "one.py").rename(second / "two.py")
    assert seen(first) != seen(second)
    assert seen(first, "x") != seen(first)


# ---- the training code ------------------------------------------------------------


def test_sourcedir_is_the_same_bytes_wherever_it_is_made(tmp_path: Path) -> None:
    copy = tmp_path / "clone"
    for name in ("domain", "training", "tasks"):
        for path in sorted((ROOT / name).rglob("*"), reverse=True):
            if path.is_file():
                copied = copy / path.relative_to(ROOT)
                copied.parent.mkdir(parents=True, exist_ok=True)
                copied.write_bytes(path.read_bytes())
                os.utime(copied, (1, 1))
    assert compressed(archive(copy, TASK)) == compressed(archive(ROOT, TASK))


def test_sourcedir_holds_the_script_its_packages_and_its_requirements() -> None:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(compressed(archive(ROOT, TASK))))) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    assert names == sorted(names)
    assert {"training/train.py", f"tasks/{TASK}/train.py", "domain/data/records.py", "requirements.txt"} <= set(names)
    assert all(name == "requirements.txt" or name.startswith(("domain/", "training/", "tasks/")) for name in names)
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}


def test_a_synth_in_another_process_agrees() -> None:
    """Hash seeds and folder order must not reach an asset."""
    script = (
        "from stacks.bundling import EVALUATE; from stacks.paths import ROOT, fingerprint;"
        "from stacks.sourcedir import archive; import hashlib;"
        f"print(fingerprint(ROOT, EVALUATE.sources({TASK!r})), hashlib.sha256(archive(ROOT, {TASK!r})).hexdigest())"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = fingerprint(ROOT, EVALUATE.sources(TASK)), hashlib.sha256(archive(ROOT, TASK)).hexdigest()
    assert tuple(said.stdout.split()) == here


def _runs_on_lambda(tag: str) -> bool:
    python, abi, platform = tag.split("-")
    if platform == "any":
        return "py3" in python.split(".")
    glibc = re.fullmatch(r"manylinux_(\d+)_(\d+)_x86_64", platform.replace("manylinux2014", "manylinux_2_17"))
    right_python = (python, abi) == ("cp313", "cp313") or abi == "abi3"
    return bool(right_python and glibc and (int(glibc[1]), int(glibc[2])) <= GLIBC)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
