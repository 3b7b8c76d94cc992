"""What the dataset is: the current objects under `landing/`, minus those held, in the order they came."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from domain import layout

# What a person can do about a file that is held, other than to mend it.
Again = Literal["read", "vouch"]


@dataclass(frozen=True)
class Source:
    """One content of one landing key. `last_modified` is ISO 8601 in UTC, so it orders as text."""

    source: str
    key: str
    etag: str
    last_modified: str

    @classmethod
    def of(cls, key: str, etag: str, last_modified: str) -> Source:
        """The source that a listed object is."""
        bare = etag.strip('"')
        return cls(layout.source_id(key, bare), key, bare, last_modified)


def listed(pages: Iterable[Mapping[str, Any]]) -> list[Source]:
    """The dropped files that S3's ListObjectsV2 lists under `landing/`, in its order; `pages` are its answers."""
    return [
        Source.of(item["Key"], item["ETag"], item["LastModified"].isoformat())
        for page in pages
        for item in page.get("Contents", [])
        if layout.is_landing(item["Key"], item.get("Size", 0))
    ]


@dataclass(frozen=True)
class Hold:
    """A source set aside: by the gate (`run` says which), or by Prepare (`run` is None).

    `predecessor` is the accepted content of the same key that stands in for it, within `epoch`. `again` says what a
    person does who lets it back in: None: it cannot be used as it is; "read": have it read once more, as a new upload
    of the object does too; "vouch": say that it is meant.
    """

    source: Source
    run: str | None
    reason: str
    predecessor: Source | None = None
    epoch: int = 1
    again: Again | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Hold:
        """The hold that a ledger's item is."""
        predecessor = Source(**item["predecessor"]) if item["predecessor"] else None
        # An earlier release wrote "" for None, and one before it held nothing for another look.
        run, again = item["run"] or None, item.get("again") or None
        return cls(Source(**item["source"]), run, item["reason"], predecessor, int(item["epoch"]), again)

    def is_of(self, landed: Source) -> bool:
        """Whether it is about this object. What could not be read is another one once it was put there anew."""
        same = landed.source == self.source.source
        return same and (self.again != "read" or landed.last_modified == self.source.last_modified)


def in_force(landed: Iterable[Source], held: Mapping[str, Hold]) -> dict[str, Hold]:
    """The holds, by source id, that are about what is landed; `held` is keyed by source id."""
    return {one.source: held[one.source] for one in landed if one.source in held and held[one.source].is_of(one)}


def current(landed: Iterable[Source], held: Mapping[str, Hold]) -> list[Source]:
    """The dataset in fold order: landed objects by (last modified, key), a held one replaced by its predecessor.

    `held` is keyed by source id. A hold whose object was overwritten or deleted since has no effect.
    """
    kept, landed = [], list(landed)
    holds = in_force(landed, held)
    for source in landed:
        hold = holds.get(source.source)
        if hold is None:
            kept.append(source)
        elif hold.predecessor is not None:
            kept.append(hold.predecessor)
    return sorted(kept, key=lambda item: (item.last_modified, item.key))


def valid_in(epoch: int, held: Mapping[str, Hold]) -> dict[str, Hold]:
    """The holds as they stand in `epoch`.

    A new epoch may read with other columns, so what could not be read is tried again. What did harm stays out, but
    has no predecessor there: the parts that stood in for it belong to the epoch that was left.
    """
    return {
        source: hold if hold.epoch == epoch else replace(hold, predecessor=None)
        for source, hold in held.items()
        if hold.epoch == epoch or hold.run
    }


def holds_for(
    run: str | None, reason: str, epoch: int, judged: Iterable[Source], accepted: Iterable[Source]
) -> list[Hold]:
    """What to hold after a rejection: every judged source that the champion's version (`accepted`) does not have."""
    accepted = list(accepted)
    known = {source.source for source in accepted}
    by_key = {source.key: source for source in accepted}
    return [Hold(source, run, reason, by_key.get(source.key), epoch) for source in judged if source.source not in known]


def holds_beyond(
    run: str,
    reason: str,
    epoch: int,
    landed: Collection[Source],
    held: Mapping[str, Hold],
    accepted: Collection[Source],
) -> list[Hold]:
    """What to hold so that of what is landed only what a version has (`accepted`) is left; `held` is by source id.

    What is held already stays so, by its own reason: what stands in for it goes, if the version has not got that.
    """
    before = in_force(landed, held)
    known, by_key = {source.source for source in accepted}, {source.key: source for source in accepted}
    instead = [
        replace(hold, predecessor=by_key.get(hold.source.key))
        for hold in before.values()
        if hold.predecessor and hold.predecessor.source not in known
    ]
    return holds_for(run, reason, epoch, [one for one in landed if one.source not in before], accepted) + instead


@dataclass(frozen=True)
class Version:
    """A dataset version, as `manifest.json` holds it. `rows` maps source id to split to number of accepted rows.

    `labels` are those it is about. `set_aside` are the others: there are too few rows of them. They are set aside after
    the fold: a row whose last word is such a label is not in this version, whatever an earlier file says of it.
    `schema` has the features of a table in order, and the type of each, `target` is the column that is learned of it;
    None: the features are all texts.
    """

    dataset: str
    epoch: int
    sources: tuple[Source, ...]
    rows: dict[str, dict[str, int]]
    labels: tuple[str, ...]
    set_aside: tuple[str, ...] = ()
    schema: Mapping[str, str] | None = None
    target: str | None = None

    @classmethod
    def of(
        cls,
        epoch: int,
        sources: Sequence[Source],
        rows: dict[str, dict[str, int]],
        labels: set[str],
        set_aside: Collection[str] = (),
        schema: Mapping[str, str] | None = None,
        target: str | None = None,
    ) -> Version:
        """The version that `sources`, in fold order, make without the rows of `set_aside`."""
        aside = tuple(sorted(set_aside))
        dataset = layout.dataset_id(epoch, [source.source for source in sources], aside)
        return cls(dataset, epoch, tuple(sources), rows, tuple(sorted(labels - set(aside))), aside, schema, target)

    def to_json(self) -> dict[str, object]:
        """JSON-ready form; each source carries its row counts."""
        sources = [{**asdict(source), "rows": self.rows[source.source]} for source in self.sources]
        labels = {"labels": list(self.labels), "set_aside": list(self.set_aside)}
        schema = {} if self.schema is None else {"schema": dict(self.schema), "target": self.target}
        return {"dataset": self.dataset, "epoch": self.epoch, "sources": sources, **labels, **schema}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Version:
        """The inverse of `to_json`. Raises KeyError on a manifest of another shape."""
        sources, rows = [], {}
        for entry in value["sources"]:
            sources.append(Source(entry["source"], entry["key"], entry["etag"], entry["last_modified"]))
            rows[entry["source"]] = dict(entry["rows"])
        # An earlier release set nothing aside.
        labels, set_aside = tuple(value["labels"]), tuple(value.get("set_aside", ()))
        table = value.get("schema"), value.get("target")
        return cls(value["dataset"], value["epoch"], tuple(sources), rows, labels, set_aside, *table)

    def count(self, split: str) -> int:
        """Accepted rows of a split, before the fold of duplicates."""
        return sum(counts[split] for counts in self.rows.values())

    def channel_manifest(self, bucket: str, split: str) -> list[object]:
        """A SageMaker ManifestFile of one split's parts."""
        prefix = layout.s3_uri(bucket, f"{layout.epoch_prefix(self.epoch)}parts/{split}/")
        return [{"prefix": prefix}, *(f"{source.source}.jsonl.gz" for source in self.sources)]

    def dataset_manifest(self, bucket: str) -> list[object]:
        """The ManifestFile of channel `dataset`: this version's manifest and its test ids, below one epoch."""
        root = layout.epoch_prefix(self.epoch)
        keys = [layout.version(self.epoch, self.dataset, "manifest.json")]
        keys += [layout.test_ids(self.epoch, source.source) for source in self.sources]
        return [{"prefix": layout.s3_uri(bucket, root)}, *(key.removeprefix(root) for key in keys)]
