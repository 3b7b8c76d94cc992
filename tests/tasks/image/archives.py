"""Archives of pictures, and what is read of them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import pytest
from PIL import Image

from domain.data.records import Content, FileRejected, Rejected, RowRejected
from domain.data.settings import DataSettings
from lambdas.dataset.reading import read_rows
from lambdas.dataset.s3_objects import Hashed
from tasks.image import read

Files = dict[str, bytes]


class Found(NamedTuple):
    """What an archive comes to: (place, name, label) of what can be used, and what cannot, with its place."""

    rows: list[tuple[int, str, object]]
    rejected: list[tuple[int, RowRejected]]
    raw: list[Mapping[str, object]]

    def rules(self) -> dict[object, str]:
        return {error.value: error.rule for _, error in self.rejected}


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: Files, mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with cast("Any", tarfile.open)(fileobj=out, mode=mode, format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tgz(files: Files) -> bytes:
    return tarred(files, "w:gz")


WAYS: dict[str, Callable[[Files], bytes]] = {"a.zip": zipped, "a.tar": tarred, "a.tar.gz": tgz, "A.TGZ": tgz}


def found(key: str, content: bytes, **data: Any) -> Found:
    """All that is read of a dropped archive, from a stream like that of S3."""
    result = Found([], [], [])
    stream = cast("io.BufferedReader", Hashed(io.BytesIO(content)))
    for place, item in read.rows(key, stream, DataSettings(features=("image",), **data), read_rows):
        if isinstance(item, Rejected):
            assert isinstance(item, RowRejected)
            result.rejected.append((place, item))
        else:
            result.rows.append((place, cast("Content", item["image"]).name, item.get("label")))
            result.raw.append(item)
    return result


def refused(key: str, content: bytes, **data: Any) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        found(key, content, **data)
    return caught.value


CLASSES = {"cat/1.png": png(1), "cat/2.png": png(2), "dog/1.png": png(3)}
