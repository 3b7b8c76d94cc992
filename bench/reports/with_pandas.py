"""The baseline: what `lambdas/dataset/parts.py` does to a good file, as a script on pandas would do it.

    python -m bench.reports.with_pandas FILE FOLDER

Writes train, validation, test and ids, gzipped at level 6, into FOLDER. Rows, ids and splits are ours to the byte; a
bad row would only stop it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from bench.reports.measure import measured
from domain.data.settings import DataSettings


def derive(path: Path, folder: Path) -> None:
    """Split the rows of `path` (.csv or .jsonl with columns text and label) into the files of `folder`."""
    data = DataSettings()
    if path.suffix == ".csv":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    else:
        frame = pd.read_json(path, lines=True, dtype=False)
    for column in ("text", "label"):
        frame[column] = frame[column].str.normalize("NFC").str.split().str.join(" ")
    canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    frame["features"] = [canonical({"text": text}) for text in frame["text"]]
    frame["id"] = [hashlib.sha256(features.encode()).hexdigest() for features in frame["features"]]
    place = frame["id"].str[:8].map(lambda first: int(first, 16)) % 100
    held_out = data.test_percent + data.validation_percent
    splits = {
        "test": frame[place < data.test_percent],
        "validation": frame[(place >= data.test_percent) & (place < held_out)],
        "train": frame[place >= held_out],
    }
    for name, rows in splits.items():
        columns = zip(rows["id"], rows["features"], rows["label"], strict=True)
        lines = [
            f'{{"id":"{row}","features":{features},"label":{canonical(label)}}}\n' for row, features, label in columns
        ]
        _write(folder / name, lines)
    _write(folder / "ids", splits["test"]["id"] + "\n")


def _write(path: Path, lines: Any) -> None:
    with gzip.open(path, "wt", compresslevel=6, encoding="utf-8", newline="\n") as out:
        out.writelines(lines)


if __name__ == "__main__":
    with measured():
        derive(Path(sys.argv[1]), Path(sys.argv[2]))
