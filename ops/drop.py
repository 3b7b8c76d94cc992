"""`mlops drop`: put files under landing/, which is all it takes to start the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from domain import layout
from domain.printable import printable
from ops.console import size
from ops.deployment import Deployment
from ops.errors import OpsError, Unusable, in_plain_words


def drop(deployment: Deployment, files: Sequence[Path], name: str | None, console: Console) -> list[str]:
    """Upload `files` under landing/ (one may be called `name` there); their keys. Raises Unusable, OpsError."""
    if name and len(files) > 1:
        raise Unusable("--as names one file, but several are given: drop them one by one")
    for path in files:
        _check(path)
    keys = [key_for(name or path.name) for path in files]
    doubled = sorted({key for key in keys if keys.count(key) > 1})
    if doubled:
        raise Unusable(f"two files would both become {doubled[0]}: drop one of them with --as")
    with in_plain_words(deployment.project), _progress(console) as progress:
        for path, key in zip(files, keys, strict=True):
            _upload(deployment, path, key, progress)
    for path, key in zip(files, keys, strict=True):
        console.print(f"Dropped {path.name} as s3://{deployment.bucket}/{key} ({size(path.stat().st_size)})")
    return keys


def key_for(name: str) -> str:
    """The landing key of a file called `name`. Raises Unusable for a name that S3 or the pipeline would trip over."""
    bare = name.removeprefix(layout.LANDING).strip("/")
    # Half of a surrogate pair is how Python holds a byte of a shell's argument that is not UTF-8; S3's keys are.
    if not bare or bare in (".", "..") or any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in bare):
        raise Unusable(f"{name!r} cannot be a file's name under {layout.LANDING}")
    return f"{layout.LANDING}{bare}"


def _check(path: Path) -> None:
    """Raise Unusable unless `path` is a file that can be looked at."""
    try:
        if not path.is_file():
            raise Unusable(f"{path} is not a file" if path.exists() else f"there is no file {path}")
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from error


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    # Where nobody watches, a bar would be noise: the line after it says all.
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _upload(deployment: Deployment, path: Path, key: str, progress: Progress) -> None:
    task = progress.add_task(printable(path.name), total=path.stat().st_size)
    try:
        deployment.client("s3").upload_file(
            str(path), deployment.bucket, key, Callback=lambda count: progress.advance(task, count)
        )
    except S3UploadFailedError as error:
        # boto3 hides the error that says what to do behind one of its own.
        if isinstance(error.__context__, ClientError):
            raise error.__context__ from error
        raise OpsError(f"{path.name} was not uploaded: {error}") from error
