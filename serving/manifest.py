"""The manifest of an unpacked model: checked in itself, and its files by the checksums in it.

Apart from `serving.artifact`, because the server starts from an unpacked model and need not import what unpacks one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeGuard

import tasks
from domain.artifact import (
    FORMAT,
    MANIFEST,
    MANIFEST_SHA256,
    ArtifactError,
    Manifest,
    SealBroken,
    UnlistedFile,
    sha256_file,
)

_COMMON: Final = {field.name for field in fields(Manifest)}
_RUN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def load_manifest(directory: Path) -> Manifest:
    """The manifest of an unpacked model, its files verified against the checksums in it.

    Raises ArtifactError, or OSError for a file that is there but cannot be read; so do the two that it calls.
    """
    manifest = read_manifest(directory)
    verify(directory, manifest)
    return manifest


def read_manifest(directory: Path, sha256: str | None = None) -> Manifest:
    """The manifest of an unpacked model, checked in itself, before any file is. Raises ArtifactError.

    `sha256`: the SHA-256 that it must have, as 64 hex digits (None: any).
    """
    try:
        body = (directory / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{MANIFEST} is missing") from None
    found = hashlib.sha256(body).hexdigest()
    if sha256 is not None and found != sha256:
        raise SealBroken(
            f"{MANIFEST} has the SHA-256 {found}, not the {sha256} that {MANIFEST_SHA256} names: it is not the model "
            "that was judged"
        )
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{MANIFEST} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ArtifactError(f"{MANIFEST} is not a JSON object")
    broken = [rule for rule, holds in _rules(value).items() if not holds]
    if broken:
        raise ArtifactError(f"{MANIFEST}: {'; '.join(broken)}")
    return Manifest(
        task=tasks.of_manifest(value["task"]),
        run=value["run"],
        dataset=str(value.get("dataset", "")),
        base_model=value.get("base_model"),
        base_revision=value.get("base_revision"),
        features=tuple(value["features"]),
        own={name: item for name, item in value.items() if name not in _COMMON},
        sha256=value["sha256"],
    )


def verify(directory: Path, manifest: Manifest) -> None:
    """Compare the files of an unpacked model with the manifest's checksums, and see that there are no others.

    Raises ArtifactError.
    """
    listed = {MANIFEST, *manifest.sha256}
    targets = {os.path.realpath(directory / name) for name in listed}
    others = set(os.listdir(directory)) - listed
    unlisted = sorted(name for name in others if not _holds_targets_alone(directory / name, targets))
    if unlisted:
        raise UnlistedFile(f"{unlisted[0]!r} is not listed in {MANIFEST}: nothing says what it should hold")
    for name, expected in manifest.sha256.items():
        try:
            actual = sha256_file(directory / name)
        except (FileNotFoundError, IsADirectoryError):
            raise ArtifactError(f"{name} is missing") from None
        if actual != expected:
            raise ArtifactError(f"{name} does not have the checksum that {MANIFEST} gives")


def _holds_targets_alone(folder: Path, targets: set[str]) -> bool:
    """Whether a folder holds nothing but what listed names are links to: so a mount may keep its files."""
    files = [os.path.realpath(path) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return bool(files) and targets.issuperset(files)


def _rules(value: dict[str, Any]) -> dict[str, bool]:
    """What must hold of a manifest whatever the task, each rule with whether it does."""
    run, sums, task = value.get("run"), value.get("sha256"), value.get("task")
    return {
        f"format must be {FORMAT}": value.get("format") == FORMAT,
        f"task must be one of {', '.join(tasks.folders())}": isinstance(task, str)
        and tasks.folder(tasks.of_manifest(task)) in tasks.folders(),
        "features must be different strings": _strings(value.get("features")),
        # It travels in a response header.
        "run must be letters, digits, '.', '_' or '-', at most 63": isinstance(run, str) and bool(_RUN.fullmatch(run)),
        "sha256 must name plain files": isinstance(sums, dict)
        and bool(sums)
        and not any("/" in name or "\\" in name or name in ("", ".", "..") for name in sums),
    }


def _strings(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value)
