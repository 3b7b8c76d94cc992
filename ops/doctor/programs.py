"""Node, the CDK's CLI, the disk, and Docker where it has to build the serving image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ops.bootstrap import OLDEST_NODE
from ops.doctor.finding import Finding, Level

AREA: Final = "programs"
DOCKER: Final = "docker"
_PATIENCE_SECONDS: Final = 20
# The lines of Node that the CDK's own banner calls supported, as of aws-cdk 2.1148.1.
_SUPPORTED_NODE: Final = 22
_GIGABYTE: Final = 10**9
# The cloud assembly with the functions' packages is 0.4 GB; a build of the serving image takes 1.5 GB on the way.
_LEAST_FREE, _ENOUGH_FREE = 1 * _GIGABYTE, 5 * _GIGABYTE


def node() -> Iterator[Finding]:
    """The Node that runs the CDK."""
    said = _say(["node", "--version"])
    found = re.match(r"v(\d+)\.", said or "")
    if not found:
        yield Finding(AREA, "Node", Level.WRONG, "There is no Node on the PATH that runs.", "make setup")
    elif int(found[1]) < OLDEST_NODE:
        sentence = f"Node {said} is too old: the CDK needs {OLDEST_NODE} or newer."
        yield Finding(AREA, "Node", Level.WRONG, sentence, f"install Node {_SUPPORTED_NODE} or newer, then: make setup")
    elif int(found[1]) < _SUPPORTED_NODE:
        sentence = f"Node {said} still runs the CDK, which no longer supports it."
        yield Finding(AREA, "Node", Level.WARNING, sentence, f"install Node {_SUPPORTED_NODE} or newer")
    else:
        yield Finding(AREA, "Node", Level.FINE, f"Node {said}.")


def cdk(root: Path) -> Iterator[Finding]:
    """The CDK's CLI: the one that package.json pins."""
    pinned = json.loads((root / "package.json").read_text(encoding="utf-8"))["devDependencies"]["aws-cdk"]
    program = root / "node_modules" / ".bin" / "cdk"
    said = _say([str(program), "--version"])
    if said is None:
        yield Finding(AREA, "CDK", Level.WRONG, "The CDK's CLI is not installed, or it does not run.", "make setup")
    elif said.split()[0] != pinned:
        sentence = f"It is {said.split()[0]}, and package.json pins {pinned}."
        yield Finding(AREA, "CDK", Level.WARNING, sentence, "npm ci")
    else:
        yield Finding(AREA, "CDK", Level.FINE, f"aws-cdk {pinned}, as package.json pins it.")


def disk(root: Path) -> Iterator[Finding]:
    """Free space where the cloud assembly is written."""
    yield judge_disk(shutil.disk_usage(root).free)


def judge_disk(free: int) -> Finding:
    """The finding about `free` bytes."""
    said = f"{free / _GIGABYTE:.1f} GB are free."
    if free < _LEAST_FREE:
        return Finding(AREA, "disk", Level.WRONG, f"Only {said} A deploy needs 1 GB.", "free some space")
    if free < _ENOUGH_FREE:
        return Finding(AREA, "disk", Level.WARNING, f"{said} An image build may need 5 GB.", "docker system prune")
    return Finding(AREA, "disk", Level.FINE, said)


def docker() -> Iterator[Finding]:
    """Whether Docker answers, and whether its builder can be told to write Docker's media types."""
    program = os.environ.get("CDK_DOCKER") or "docker"
    start = "start Docker (systemctl start docker, or Docker Desktop), or set serving.image to an ECR image's URI"
    if shutil.which(program) is None:
        sentence = f'There is no {program} on the PATH, and serving.image is "build".'
        fix = "install Docker (https://docs.docker.com/engine/install), or set serving.image to an ECR image's URI"
        yield Finding(DOCKER, "daemon", Level.WRONG, sentence, fix)
        return
    said = _say([program, "version", "--format", "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}"])
    if not said:
        yield Finding(DOCKER, "daemon", Level.WRONG, f"{program} is there, but its daemon does not answer.", start)
        return
    version, _, platform = said.partition(" ")
    if platform in ("", "linux/amd64"):
        yield Finding(DOCKER, "daemon", Level.FINE, f"Docker {version} answers.")
    else:
        sentence = f"Docker {version} builds for {platform}; the image is for linux/amd64, which it must emulate."
        fix = "docker run --privileged --rm tonistiigi/binfmt --install amd64  (Docker Desktop can do it already)"
        yield Finding(DOCKER, "daemon", Level.WARNING, sentence, fix)
    builder = _say([program, "buildx", "version"])
    if builder is None:
        sentence = "Docker has no buildx: its old builder cannot be told to write the media types that SageMaker takes."
        yield Finding(
            DOCKER, "media types", Level.WRONG, sentence, "install docker-buildx-plugin (Debian: docker-buildx)"
        )
    else:
        yield Finding(
            DOCKER, "media types", Level.FINE, f"{' '.join(builder.split()[:2])} writes Docker's if it is told to."
        )


def _say(command: list[str]) -> str | None:
    """The first line that a program prints, or None where it is not there, fails, or does not end."""
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = result.stdout.strip().splitlines()
    return lines[0].strip() if result.returncode == 0 and lines else None
