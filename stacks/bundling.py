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

from stacks.paths import ROOT, fingerprint, source_files

RUNTIME: Final = lambda_.Runtime.PYTHON_3_13
PYTHON_VERSION: Final = "3.13"
# Amazon Linux 2023 has glibc 2.34; a wheel may be tagged for an older one.
PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
WHEELS: Final = ROOT / ".cache" / "wheels"


class BundlingError(RuntimeError):
    """A Lambda package cannot be made; the message says what to run."""


@dataclass(frozen=True)
class Package:
    """One zip: the Python packages of this repository that it carries, and the requirements it carries with them."""

    name: str
    code: tuple[str, ...]
    requirements: str


# Two zips for all functions: only Evaluate carries a model runtime.
LIGHT: Final = Package("light", ("domain", "lambdas", "ledger"), "lambdas/requirements.txt")
EVALUATE: Final = Package("evaluate", ("domain", "lambdas", "ledger", "serving"), "lambdas/requirements-evaluate.txt")


def code(package: Package, *, local: bool) -> lambda_.Code:
    """`package` as Lambda code. Its hash depends on its source and pins alone; bundling runs at synth if it is new."""
    pins = [(ROOT / file).read_text(encoding="utf-8") for file in _requirement_files(package)]
    made_for = ["the local cloud"] if local else [*PLATFORMS, PYTHON_VERSION]
    return lambda_.Code.from_asset(
        str(ROOT / "lambdas"),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=fingerprint([ROOT / name for name in package.code], [*made_for, *pins]),
        bundling=BundlingOptions(image=RUNTIME.bundling_image, local=_LocalBundling(package, local)),
    )


@jsii.implements(ILocalBundling)
class _LocalBundling:
    """CDK's hook: told the output folder, it makes the package there, and Docker is never asked."""

    def __init__(self, package: Package, local: bool) -> None:
        self._package, self._local = package, local

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        """Fill `output_dir`; always succeeds or raises, since there is no Docker to fall back to."""
        assemble(self._package, Path(output_dir), wheels=None if self._local else WHEELS)
        return True


def assemble(package: Package, into: Path, *, wheels: Path | None) -> None:
    """Copy the code of `package` into the folder `into`, and unpack its wheels there.

    If `wheels` is None, requirements.txt there lists them instead: each distribution that the package would hold, a
    line of name==version. Raises BundlingError if a wheel is missing.
    """
    for name in package.code:
        for path in source_files(ROOT / name):
            if path.suffix == ".py":
                target = into / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    if wheels is None:
        (into / "requirements.txt").write_text("\n".join([*_pins(package), ""]), encoding="utf-8")
    else:
        found = ["--no-index", "--find-links", str(wheels), "--target", str(into), "--no-compile"]
        _pip(
            "install",
            package,
            found,
            "The Lambda wheels are not all there: run make setup (python -m stacks.bundling).",
        )


def download(into: Path = WHEELS) -> None:
    """Fetch the wheels of all packages into `into`; those that are there already are not fetched again.

    Raises BundlingError.
    """
    into.mkdir(parents=True, exist_ok=True)
    for package in (LIGHT, EVALUATE):
        _pip("download", package, ["--dest", str(into)], "The Lambda wheels could not be downloaded.")


def _pip(command: str, package: Package, arguments: Sequence[str], failure: str) -> None:
    platforms = [flag for platform in PLATFORMS for flag in ("--platform", platform)]
    target = ["--only-binary", ":all:", "--no-deps", "--python-version", PYTHON_VERSION, *platforms]
    pip = [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, *target, *arguments, "-r", str(ROOT / package.requirements)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundlingError(f"{failure}\n{done.stderr.strip()}")


def _pins(package: Package) -> list[str]:
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in _requirement_files(package)]
    return sorted(line for text in texts for line in text.splitlines() if "==" in line and not line.startswith("#"))


def _requirement_files(package: Package) -> list[str]:
    return sorted({LIGHT.requirements, package.requirements})


if __name__ == "__main__":
    download()
