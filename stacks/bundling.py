"""Packs the Lambda functions without Docker: our code, and wheels that run on Lambda's Amazon Linux 2023, x86_64.

The wheels are downloaded once, by `python -m stacks.bundling` (part of `make setup`); a synth needs no network. The
local cloud runs functions on its own interpreter, so it gets the code and the list of what else the package holds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsii
from aws_cdk import AssetHashType, BundlingOptions, ILocalBundling
from aws_cdk import aws_lambda as lambda_

import tasks
from stacks import unused
from stacks.paths import ROOT, fingerprint, source_files, task_files, task_folder

RUNTIME: Final = lambda_.Runtime.PYTHON_3_13
PYTHON_VERSION: Final = "3.13"
# Amazon Linux 2023 has glibc 2.34; a wheel may be tagged for an older one.
PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
WHEELS: Final = ROOT / ".cache" / "wheels"
# Used to judge, though not to answer: the gate draws its resamples (domain/gate/statistics.py).
DRAWS: Final = ("numpy/random",)


class BundlingError(RuntimeError):
    """A Lambda package cannot be made; the message says what to run."""


@dataclass(frozen=True)
class Package:
    """One zip: the Python packages of this repository that it carries beside its task's, and whether it predicts."""

    name: str
    code: tuple[str, ...]
    predicts: bool = False

    def sources(self, task: str) -> list[Path]:
        """The files of this repository that it carries, sorted."""
        files = (path for name in self.code for path in source_files(ROOT / name) if path.suffix == ".py")
        return sorted([*files, *task_files(ROOT, task)])

    def requirements(self, task: str) -> list[str]:
        """The files that list what it carries from elsewhere."""
        shared = ["lambdas/requirements.txt", *(["lambdas/requirements-evaluate.txt"] if self.predicts else [])]
        own = task_folder(ROOT, task) / f"requirements-{'predict' if self.predicts else 'read'}.txt"
        # A task whose files are tables needs nothing to read them.
        return [*shared, *([own.relative_to(ROOT).as_posix()] if self.predicts or own.is_file() else [])]


# Two zips for all functions: only Evaluate carries a model runtime.
LIGHT: Final = Package("light", ("domain", "lambdas", "ledger"))
EVALUATE: Final = Package("evaluate", ("domain", "lambdas", "ledger", "serving"), predicts=True)


def code(package: Package, task: str, *, local: bool) -> lambda_.Code:
    """`package` as Lambda code. Its hash depends on its source and pins alone; bundling runs at synth if it is new."""
    pins = [(ROOT / file).read_text(encoding="utf-8") for file in package.requirements(task)]
    made_for = ["the local cloud"] if local else [*PLATFORMS, PYTHON_VERSION, *unused.patterns(), *DRAWS]
    return lambda_.Code.from_asset(
        str(ROOT / "lambdas"),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=fingerprint(ROOT, package.sources(task), [*made_for, *pins]),
        bundling=BundlingOptions(image=RUNTIME.bundling_image, local=_LocalBundling(package, task, local)),
    )


@jsii.implements(ILocalBundling)
class _LocalBundling:
    """CDK's hook: told the output folder, it makes the package there, and Docker is never asked."""

    def __init__(self, package: Package, task: str, local: bool) -> None:
        self._package, self._task, self._local = package, task, local

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        """Fill `output_dir`; always succeeds or raises, since there is no Docker to fall back to."""
        assemble(self._package, self._task, Path(output_dir), wheels=None if self._local else WHEELS)
        return True


def assemble(package: Package, task: str, into: Path, *, wheels: Path | None) -> None:
    """Copy the code of `package` into the folder `into`, and unpack its wheels there.

    If `wheels` is None, requirements.txt there lists them instead: each distribution that the package would hold, a
    line of name==version. Raises BundlingError if a wheel is missing.
    """
    for path in package.sources(task):
        target = into / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    if wheels is None:
        (into / "requirements.txt").write_text("\n".join([*_pins(package, task), ""]), encoding="utf-8")
    else:
        found = ["--no-index", "--find-links", str(wheels), "--target", str(into), "--no-compile"]
        _pip(
            "install",
            package.requirements(task),
            found,
            "The Lambda wheels are not all there: run make setup (python -m stacks.bundling).",
        )
        unused.remove(into, but=DRAWS)


def download(into: Path = WHEELS) -> None:
    """Fetch the wheels of all packages into `into`; those that are there already are not fetched again.

    Raises BundlingError.
    """
    into.mkdir(parents=True, exist_ok=True)
    for task in tasks.folders():
        for package in (LIGHT, EVALUATE):
            listed = package.requirements(task)
            _pip("download", listed, ["--dest", str(into)], "The Lambda wheels could not be downloaded.")


def _pip(command: str, requirements: Sequence[str], arguments: Sequence[str], failure: str) -> None:
    platforms = [flag for platform in PLATFORMS for flag in ("--platform", platform)]
    target = ["--only-binary", ":all:", "--no-deps", "--python-version", PYTHON_VERSION, *platforms]
    listed = [flag for file in requirements for flag in ("-r", str(ROOT / file))]
    pip = [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *target, *arguments, *listed], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundlingError(f"{failure}\n{done.stderr.strip()}")


def _pins(package: Package, task: str) -> list[str]:
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in package.requirements(task)]
    return sorted({line for text in texts for line in text.splitlines() if "==" in line and not line.startswith("#")})


if __name__ == "__main__":
    download()
