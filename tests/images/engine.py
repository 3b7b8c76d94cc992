"""What builds serving/Dockerfile and runs it: Docker, or buildah and podman with runc.

Standard library only, so that any Python can ask whether there is one. buildah and podman keep what they make below
.cache/images, and need root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORAGE = ROOT / ".cache" / "images"
DOCKERFILE = ROOT / "serving" / "Dockerfile"
# The image of these tests answers texts.
ARGUMENTS = ("--build-arg", "TASK=text")
PROGRAMS = ("buildah", "podman", "runc", "mmdebstrap")
PLATFORM = "linux/amd64"
IMAGE = "localhost/automate-mlops-serving:test"
STAND_IN = "localhost/automate-mlops-base:test"


class NoEngineError(Exception):
    """Nothing here can build and run an image; the text says what to install."""


class EngineError(Exception):
    """A command of the engine failed; the text ends with what it printed."""


class Engine:
    """Docker."""

    name = "Docker"
    command: tuple[str, ...] = ("docker",)
    # What every container is run with: 1,024 files, as many as a process may open where nobody allows more.
    flags: tuple[str, ...] = ("--ulimit", "nofile=1024:1024")
    push_flags: tuple[str, ...] = ()

    def __call__(self, *arguments: str, check: bool = True, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run one command to its end. Raises EngineError if it fails, unless `check` is False."""
        return run([*self.command, *arguments], check=check, stdin=stdin)

    def build(self, output: str) -> None:
        """Build serving/Dockerfile as IMAGE as `cdk deploy` does: `output` is what it asks the builder for."""
        how = ("--platform", PLATFORM, "--output", output, "--tag", IMAGE, "--file", str(DOCKERFILE), *ARGUMENTS)
        run([*self.command, "build", *how, str(ROOT)], environment={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"})


class Podman(Engine):
    """buildah builds, podman runs."""

    name = "buildah and podman"
    storage = ("--root", str(STORAGE / "storage"), "--runroot", str(STORAGE / "run"))
    command = ("podman", *storage, "--cgroup-manager", "cgroupfs", "--runtime", "runc", "--events-backend", "none")
    # Podman would add a passwd entry for an unknown user, make /run and /var/tmp writable, and raise nproc, which it
    # may not be allowed to.
    flags = (
        *(*Engine.flags, "--ulimit", "nproc=4096:4096"),
        *("--passwd=false", "--read-only-tmpfs=false", "--log-driver", "k8s-file"),
    )
    push_flags = ("--tls-verify=false",)

    def build(self, output: str) -> None:
        """Build serving/Dockerfile as IMAGE on its base image or, where no registry is reached, on a stand-in."""
        base = base_image()
        buildah = ["buildah", *self.storage]
        here: list[str] = []
        if run([*buildah, "pull", "--quiet", "--platform", PLATFORM, base], check=False).returncode:
            if self("image", "exists", STAND_IN, check=False).returncode:
                self._make_stand_in()
            here = ["--build-context", f"{base}=container-image://{STAND_IN}"]
        # The way to the package index is this machine's own.
        for file in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf"):
            if Path(file).exists():
                here += ["--volume", f"{file}:{file}:ro"]
        # `output` is for Docker's builder; this one writes the same media types so.
        how = (
            "--layers",
            "--isolation",
            "chroot",
            "--format",
            "docker",
            "--pull-never",
            "--platform",
            PLATFORM,
            "--tag",
            IMAGE,
        )
        context = ("--file", str(DOCKERFILE), "--ignorefile", f"{DOCKERFILE}.dockerignore", *ARGUMENTS, str(ROOT))
        run([*buildah, "build", *how, *here, *context])

    def _make_stand_in(self) -> None:
        """Debian 13 with its own Python 3.13 and pip, like the base image without bytecode, from apt's own mirror."""
        targets = "apt-get indextargets --format $(REPO_URI) Identifier:Packages Origin:Debian Component:main"
        mirrors = run([part.replace(":", ": ") for part in targets.split()]).stdout.decode().split()
        if not mirrors:
            raise EngineError("the base image cannot be pulled, and apt knows no mirror of Debian to make one from")
        archive = STORAGE / "base.tar"
        changes = (
            'ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
            'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
            'find "$1/usr" -name __pycache__ -prune -exec rm -rf {} +',
        )
        content = (
            *("--variant=minbase", "--include=python3,python3-pip,ca-certificates"),
            *(f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "man", "locale")),
            *(f"--customize-hook={change}" for change in changes),
        )
        run(["mmdebstrap", "--quiet", *content, "trixie", str(archive), mirrors[0]])
        self("import", "--quiet", str(archive), STAND_IN)
        archive.unlink()


def find() -> Engine:
    """The engine of this machine. Raises NoEngineError."""
    if shutil.which("docker") and run(["docker", "info"], check=False).returncode == 0:
        return Engine()
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise NoEngineError(
            "The serving image is not tested: no Docker daemon answers, and there is no "
            f"{', '.join(missing)}; start Docker, or as root: apt-get install {' '.join(PROGRAMS)}"
        )
    if os.geteuid() != 0:
        raise NoEngineError(
            "The serving image is not tested: no Docker daemon answers, and podman is used as root only."
        )
    return Podman()


def base_image() -> str:
    """The image that serving/Dockerfile starts from."""
    (name,) = {line.split()[1] for line in DOCKERFILE.read_text().splitlines() if line.startswith("FROM ")}
    return name


def run(
    command: Sequence[str], *, check: bool = True, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end. Raises EngineError if it fails, unless `check` is False."""
    STORAGE.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(command, input=stdin, capture_output=True, env={**os.environ, **(environment or {})})
    if check and ended.returncode:
        said = (ended.stdout + ended.stderr).decode("utf-8", "replace")[-3000:]
        raise EngineError(f"{' '.join(command)} ended with {ended.returncode}:\n{said}")
    return ended
