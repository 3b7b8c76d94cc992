"""One dropped file becomes parts, once: a split each, the ids of its test rows, its quarantine and its report.

The report is written last. Killed before that, nothing was derived and the next try writes the same bytes again.
"""

from __future__ import annotations

import errno
import io
import json
import reprlib
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError
from zlib_ng import gzip_ng

import tasks
from domain import layout
from domain.data.dataset import Again, Source
from domain.data.limits import MAX_FILE_BYTES, MAX_FILE_ROWS, PREPARE_DISK_MB, over_the_limit
from domain.data.records import Contract, FileRejected, Rejected, RowRejected, RowSetAside, parse_row
from domain.data.schema import Fit
from domain.data.vocabulary import counted_as
from domain.errors import DiskFull, LandingMoved
from lambdas.dataset.contract import columns_asked, contract_in_force, contract_of, schema_by
from lambdas.dataset.csv_table import Notice
from lambdas.dataset.reading import RawRow, read_rows
from lambdas.dataset.s3_objects import Hashed, get_landed
from lambdas.environment import Environment
from lambdas.storage import read_json, write_json
from lambdas.telemetry import emit

if TYPE_CHECKING:
    from domain.settings import Settings

_EXCERPT_CHARS = 200
_ERROR_CHARS = 500
_MAX_LABELS = 10_000


@dataclass
class Report:
    """What became of one source. `error` says why nothing was accepted.

    `labels` counts rows by label and split; of numbers all by one name.

    `source` is the one that its content is known as. `rules` counts the rows that are rejected or set aside by their
    rule, `rejected` those that count as broken; `over` is their share, if that was too large. `notices` are for a
    person, though the file is used. `sha256` is the content's, None if it was not read to its end. `again` is what
    its hold says then (`domain.data.dataset.Hold`). `schema` is what the epoch's first file says of the columns
    (`domain.data.schema.Schema`).
    """

    source: str
    key: str
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(layout.SPLITS, 0))
    rejected: int = 0
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    error: str | None = None
    rules: dict[str, int] = field(default_factory=dict)
    over: float = 0.0
    notices: list[str] = field(default_factory=list)
    sha256: str | None = None
    again: Again | None = None
    schema: dict[str, Any] | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Report:
        """The report that a JSON object is."""
        # An earlier release wrote "" for None.
        absent = {name: value.get(name) or None for name in ("error", "sha256", "again")}
        return cls(**{**value, **absent})

    def accepted(self) -> int:
        """Rows in all splits together."""
        return sum(self.rows.values())


def ensure_derived(env: Environment, source: Source) -> Report:
    """The source's report, deriving its parts first if that was never finished.

    Raises LandingMoved, ObjectUnreadable, DiskFull.

    The object is the one that the source is named after.
    """
    return known_report(env, source) or derive(env, source)


def known_report(env: Environment, source: Source) -> Report | None:
    """The source's report, or None if its parts have yet to be derived."""
    known = _report(env, source)
    return known if known and not _is_admitted_now(env, known) else None


def is_admitted_now(env: Environment, source: Source) -> bool:
    """Whether a file was rejected for a share of broken rows that the settings have come to allow since."""
    known = _report(env, source)
    return known is not None and _is_admitted_now(env, known)


def _report(env: Environment, source: Source) -> Report | None:
    known = read_json(env, layout.part_report(env.settings.data.epoch, source.source))
    return Report.of(known) if known else None


def _is_admitted_now(env: Environment, known: Report) -> bool:
    return 0 < known.over <= env.settings.data.max_rejected_fraction


@contextmanager
def _within_the_disk() -> Iterator[None]:
    """Raises DiskFull instead of the system's error.

    Nothing else lies on that disk: the parts of other files go when those are done, and have no names by which a killed
    function could leave them. So another try fills it as well.
    """
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        made = f"what is made of it is more than the function's disk of {PREPARE_DISK_MB:,} MB holds"
        raise DiskFull(f"{made}: split the file") from None


@_within_the_disk()
def derive(env: Environment, landed: Source, known_as: Callable[[str], Source] | None = None) -> Report:
    """Read a landed object and make its parts, those of the source that its content, a SHA-256, is `known_as`.

    The report of that source; known content is not written again. Raises LandingMoved, ObjectUnreadable, DiskFull.
    """
    data = env.settings.data
    report = Report(landed.source, landed.key)
    with ExitStack() as stack:
        files = _Files(stack)
        rejected = _read(env, landed, report, files)
        if known_as and report.sha256:
            source = known_as(report.sha256)
            report.source = source.source
            if known := known_report(env, source):
                return known
        rejected = rejected or _too_little(report, data.max_rejected_fraction)
        if report.schema and not rejected and env.ledger.freeze_schema(data.epoch, report.schema) != report.schema:
            # Another execution, which lost the claim since, began the epoch with another file.
            return derive(env, landed, known_as)
        if rejected:
            # What broke the rule is shown where the rows are, and not in a reason, which is mailed.
            shown = "" if rejected.value is None else f" (what it begins with: {layout.quarantine(report.source)})"
            report.error = f"{rejected}{shown}"[:_ERROR_CHARS]
            files.reject(None, FileRejected(rejected.rule, report.error, rejected.value))
        files.upload(env, report.source, with_rows=not report.error)
    if report.error:
        report.rows, report.labels = dict.fromkeys(layout.SPLITS, 0), {}
    emit({"RowsAccepted": report.accepted(), "RowsRejected": report.rejected})
    write_json(env, layout.part_report(data.epoch, report.source), asdict(report))
    return report


def _read(env: Environment, landed: Source, report: Report, files: _Files) -> FileRejected | None:
    """Sort the rows of an object, and read on to its end if the file is rejected before: same bytes, same digest.

    Why the file cannot be used, or None.
    """
    rejected = None
    try:
        body = Hashed(_open(env, landed))
    except FileRejected as error:
        return error
    try:
        contract = contract_in_force(env) or _begin(env, landed, report)
        columns = list(dict.fromkeys(column.name for column in contract.columns))
        rows = _rows(landed.key, cast(IO[bytes], body), env.settings, columns)
        _sort_rows(rows, contract, env.settings.data.max_rejected_fraction, report, files)
    except FileRejected as error:
        rejected = error
    report.sha256 = body.digest()
    return rejected


def _begin(env: Environment, landed: Source, report: Report) -> Contract:
    """The contract by the columns of the epoch's first file, which is read for that alone. Raises FileRejected.

    They are bound to be those only when the file turns out to be one that can be used.
    """
    body = _open(env, landed)
    try:
        schema = schema_by(read_rows(landed.key, body, columns_asked(env.settings)), env.settings)
    finally:
        body.close()
    report.schema = schema.to_json()
    return contract_of(env.settings, schema)


def _too_little(report: Report, most: float) -> FileRejected | None:
    """Why too little of the file can be used, or None."""
    seen = report.accepted() + report.rejected
    why = ", ".join(f"{count} {rule}" for rule, count in report.rules.items())
    if not seen:
        return FileRejected("no-rows", "no rows: the file is empty: give it rows or delete it")
    if not report.accepted():
        return FileRejected("no-rows", f"no usable row among {seen} ({why}): see {layout.quarantine(report.source)}")
    if report.rejected > seen * most:
        report.over = report.rejected / seen
        share = f"{report.rejected} of {seen} rows are rejected, over the limit of {most:.0%} ({why})"
        return FileRejected("too-many-rejected", f"{share}: see {layout.quarantine(report.source)}")
    return None


def _rows(key: str, body: IO[bytes], settings: Settings, columns: list[str]) -> Iterator[RawRow]:
    """The rows of what was dropped, as its task has them: of a table, which must have `columns`, or of a task's own."""
    reader = tasks.read(settings.task)
    return reader.rows(key, body, settings.data, read_rows) if reader else read_rows(key, body, columns)


def _sort_rows(rows: Iterable[RawRow], contract: Contract, most: float, report: Report, files: _Files) -> None:
    """Write the rows into `files` and count them in `report`; at `most` this share of them may be broken."""
    fit = Fit(contract, most) if contract.types else None
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for number, (place, raw) in enumerate(rows, 1):
        if number > MAX_FILE_ROWS:
            raise FileRejected("too-large", over_the_limit(number, MAX_FILE_ROWS, "rows"))
        if isinstance(raw, Notice):
            report.notices.append(raw)
            continue
        try:
            if isinstance(raw, Rejected):
                raise raw
            if fit:
                fit.see(raw)
            row, split = parse_row(raw, contract)
        except (RowRejected, RowSetAside) as error:
            counts = error.rows if isinstance(error, RowRejected) else 1
            report.rejected += counts if isinstance(error, RowRejected) else 0
            report.rules[error.rule] = report.rules.get(error.rule, 0) + counts
            if fit and error.rule == "not-a-number" and isinstance(raw, dict):
                fit.broken(raw)
            files.reject(place, error, raw)
            continue
        files.write(split, row.to_json())
        if split == "test":
            files.write("ids", row.id)
        report.rows[split] += 1
        labels[counted_as(row.label, contract.kind)][split] += 1
        if len(labels) > _MAX_LABELS:
            many = f"over {_MAX_LABELS:,} different labels: is {contract.label!r} their column? Name it in data.label"
            raise FileRejected("too-many-labels", many)
    if fit:
        fit.end()
    report.labels = {label: dict(counts) for label, counts in sorted(labels.items())}


def _excerpt(value: object) -> str:
    """The beginning of what was rejected, in bounded depth and length whatever it holds."""
    short = reprlib.Repr()
    short.maxstring = short.maxlong = short.maxother = _EXCERPT_CHARS
    return short.repr(value)[:_EXCERPT_CHARS]


def _open(env: Environment, landed: Source) -> IO[bytes]:
    """The content of a landed object. Raises LandingMoved, ObjectUnreadable, and FileRejected for one too large."""
    try:
        answer = get_landed(env, landed)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "PreconditionFailed", "404", "412"):
            raise LandingMoved(landed) from error
        raise
    if answer["ContentLength"] > MAX_FILE_BYTES:
        answer["Body"].close()
        raise FileRejected("too-large", over_the_limit(answer["ContentLength"], MAX_FILE_BYTES, "bytes"))
    body: IO[bytes] = answer["Body"]
    return body


class _Files:
    """The files that one source becomes, on local disk until they are whole.

    They have no names there: what a killed function leaves would be in the way of the next one, whose disk it is.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._raw: dict[str, IO[bytes]] = {}
        self._open: dict[str, IO[str]] = {}
        for name in (*layout.SPLITS, "ids", "quarantine"):
            raw: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the stack is it
            self._raw[name] = raw
            # mtime=0 and no name: the same rows make the same bytes.
            plain = name == "quarantine"
            kept = raw if plain else gzip_ng.GzipNGFile("", "wb", compresslevel=6, fileobj=raw, mtime=0)
            text = io.TextIOWrapper(cast(IO[bytes], kept), encoding="utf-8", newline="\n")
            self._open[name] = stack.enter_context(text)

    def write(self, name: str, line: str) -> None:
        self._open[name].write(line + "\n")

    def reject(self, place: int | None, error: Rejected, row: object = None) -> None:
        """Keep the place, the rule, the reason, and the value that broke it or else the row."""
        shown = row if error.value is None else error.value
        excerpt = "" if shown is None or isinstance(shown, Rejected) else _excerpt(shown)
        entry = {"line": place, "rule": error.rule, "reason": str(error), "excerpt": excerpt}
        self.write("quarantine", json.dumps(entry, ensure_ascii=False))

    def upload(self, env: Environment, source: str, *, with_rows: bool) -> None:
        epoch, s3 = env.settings.data.epoch, env.client("s3")
        rejected = self._open.pop("quarantine")
        rejected.flush()
        for packed in self._open.values():
            packed.close()
        keys = {"quarantine": layout.quarantine(source)} if self._raw["quarantine"].tell() else {}
        if with_rows:
            keys |= {split: layout.part(epoch, split, source) for split in layout.SPLITS}
            keys["ids"] = layout.test_ids(epoch, source)
        for name, key in keys.items():
            self._raw[name].seek(0)
            s3.upload_fileobj(self._raw[name], env.bucket, key)
