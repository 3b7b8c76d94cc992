"""What deriving a file costs, beside a pandas script that writes the same: the second part of `docs/data.md`."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.reports.folder import FolderEnvironment
from bench.reports.measure import Cost, run
from domain import layout
from domain.data import limits
from domain.data.dataset import Source
from lambdas.dataset.parts import ensure_derived
from ops.reviews import Review, rotten_tomatoes

KINDS: Final = ("csv", "jsonl")
# Whole in memory, 1 GB would take pandas over ten times that.
_MOST_MB_OF_PANDAS: Final = 100
_MB: Final = 1_000_000
_HEAD: Final = """\
## What deriving costs

Each figure is from a fresh process that runs the real `lambdas/dataset/parts.py` once, after it has loaded the handler
and an AWS client; seconds are of one CPU. A folder stands in for the bucket, since S3's speed is not the point. The
files are the demo's reviews over and over, each time with another number behind, so that all rows differ. *pandas*:
`bench/reports/with_pandas.py`, in the same run, which reads the file whole and writes the same four files with Python's
own gzip at the same level, as a script would; ours has zlib-ng's, alone 2.3 times as fast (decision 22). Both must
agree in each byte after decompression, or there is no page.

| file | rows | MB/s | memory over idle, MB | pandas: MB/s | memory over idle, MB | times faster |
|---|---|---|---|---|---|---|
"""
_TAIL: Final = """
An idle handler has {idle:.0f} MB. Memory does not grow with the file, since rows are read, checked and written one by
one; the parts wait on disk until they are whole.

## The limit of one file

Rows as long as a review cost by the byte, rows as short as a word by the row: {short_rows:,} rows of {short_bytes:.0f}
bytes came at {short_rate:,.0f} rows a second. Prepare has one whole CPU ({memory:,} MB) for {seconds} seconds.
`domain/data/limits.py` counts on {bytes_rate:,} bytes and {rows_rate:,} rows a second, and lets a file take a
quarter of the time by each: **{max_bytes:,} bytes, unpacked, and {max_rows:,} rows**. What is larger is held like any
file that cannot be used, before it is read, and the notification says by how much and to split it. Many files may be
more than that together: each is derived once, so an invocation that runs out of time is repeated and goes on with the
next.

## What one more file costs

{old:,} bytes in {files} files were derived before. Then one file of {new:,} bytes came: {read:,} bytes of landing were
read, {derived} file was derived, and {reports} reports of {reported:,} bytes together told the rest.
"""


@dataclass(frozen=True)
class Measured:
    """One file, and what it cost us and pandas (None: not asked)."""

    name: str
    size: int
    rows: int
    ours: Cost
    theirs: Cost | None

    def line(self) -> str:
        """Its row of the table."""
        mine = self.size / _MB / self.ours.seconds
        cells = [f"{self.name}", f"{self.rows:,}", f"{mine:.1f}", f"{self.ours.grown_mb:.0f}"]
        if self.theirs is None:
            cells += ["", "", ""]
        else:
            rate = self.size / _MB / self.theirs.seconds
            cells += [f"{rate:.1f}", f"{self.theirs.grown_mb:,.0f}", f"{mine / rate:.1f}"]
        return f"| {' | '.join(cells)} |"


def section(sizes: Sequence[int]) -> str:
    """This part of the page, in Markdown, for files of so many MB. Raises ValueError if pandas gives other rows."""
    reviews = rotten_tomatoes()
    found = []
    for size in sizes:
        for kind in KINDS:
            with tempfile.TemporaryDirectory() as folder:
                found.append(_measure(Path(folder), reviews, size, kind))
    with tempfile.TemporaryDirectory() as folder:
        short = _short(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        one_more = _one_more(Path(folder), reviews)
    tail = _TAIL.format(
        idle=found[0].ours.idle_mb,
        short_rows=short.rows,
        short_bytes=short.size / short.rows,
        short_rate=short.rows / short.ours.seconds,
        memory=limits.PREPARE_MEMORY_MB,
        seconds=limits.PREPARE_SECONDS,
        bytes_rate=limits.BYTES_PER_SECOND,
        rows_rate=limits.ROWS_PER_SECOND,
        max_bytes=limits.MAX_FILE_BYTES,
        max_rows=limits.MAX_FILE_ROWS,
        **one_more,
    )
    return _HEAD + "\n".join(one.line() for one in found) + "\n" + tail


def _measure(folder: Path, reviews: Sequence[Review], megabytes: int, kind: str) -> Measured:
    name = f"reviews.{kind}"
    path = folder / layout.LANDING / name
    rows = write_reviews(path, reviews, megabytes * _MB)
    ours = run("bench.reports.with_ours", folder, name)
    theirs = None
    if megabytes <= _MOST_MB_OF_PANDAS:
        other = folder / "pandas"
        other.mkdir()
        theirs = run("bench.reports.with_pandas", path, other)
        _agree(folder, Source.of(f"{layout.LANDING}{name}", "etag", "2026").source, other)
    return Measured(f"{megabytes:,} MB, {kind}", path.stat().st_size, rows, ours, theirs)


def write_reviews(path: Path, reviews: Sequence[Review], size: int) -> int:
    """Write at least `size` bytes of different rows as CSV or JSON lines, as `path` is named; their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = turn = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        if path.suffix == ".csv":
            out.write("text,label\n")
        while out.tell() < size:
            turn += 1
            again = [(f"{text} {turn}", label) for text, label in reviews]
            text = io.StringIO(newline="")
            if path.suffix == ".csv":
                csv.writer(text, lineterminator="\n").writerows(again)
            else:
                text.writelines(
                    json.dumps({"text": row, "label": label}, ensure_ascii=False) + "\n" for row, label in again
                )
            out.write(text.getvalue())
            rows += len(again)
    return rows


def _agree(bucket: Path, source: str, other: Path) -> None:
    keys = {split: layout.part(1, split, source) for split in layout.SPLITS} | {"ids": layout.test_ids(1, source)}
    for name, key in keys.items():
        if _digest(bucket / key) != _digest(other / name):
            raise ValueError(f"pandas wrote other {name} rows than derive did")


def _digest(path: Path) -> str:
    with gzip.open(path) as rows:
        return hashlib.file_digest(rows, "sha256").hexdigest()


def _short(folder: Path) -> Measured:
    path, rows = folder / layout.LANDING / "short.csv", 1_000_000
    path.parent.mkdir(parents=True)
    path.write_text("text,label\n" + "".join(f"{number:x},a\n" for number in range(rows)), encoding="utf-8")
    return Measured("short", path.stat().st_size, rows, run("bench.reports.with_ours", folder, path.name), None)


def _one_more(folder: Path, reviews: Sequence[Review]) -> dict[str, int]:
    """Bytes read and files derived when one small file joins a landing that was derived before."""
    landing = folder / layout.LANDING
    for number in range(5):
        write_reviews(landing / f"{number}.jsonl", reviews, _MB)
    old = sorted(landing.iterdir())
    sources = [Source.of(f"{layout.LANDING}{path.name}", "etag", "2026") for path in old]
    _derive_all(FolderEnvironment.over(folder), sources)
    write_reviews(landing / "new.jsonl", reviews[:100], 1)
    env = FolderEnvironment.over(folder)
    _derive_all(env, [*sources, Source.of(f"{layout.LANDING}new.jsonl", "etag", "2027")])
    landed = {key: size for key, size in env.s3.read.items() if layout.is_landing(key)}
    reported = {key: size for key, size in env.s3.read.items() if not layout.is_landing(key)}
    return {
        "old": sum(path.stat().st_size for path in old),
        "files": len(old),
        "new": (landing / "new.jsonl").stat().st_size,
        "read": sum(landed.values()),
        "derived": len(landed),
        "reports": len(reported),
        "reported": sum(reported.values()),
    }


def _derive_all(env: FolderEnvironment, sources: Sequence[Source]) -> None:
    with redirect_stdout(io.StringIO()):  # its metrics
        for source in sources:
            ensure_derived(env, source)
