"""Rows of the shape of UCI's Adult data set, made up: how long an answer takes depends on the shape alone.

14 columns, 8 of them of as many categories as `adult.names` has (archive.ics.uci.edu/dataset/2/adult), where 6% of the
occupations, 6% of the work classes and 2% of the countries are missing and 24% of the rows have the rarer label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from domain.data.settings import FeatureType

NUMBERS: Final = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week")
CATEGORIES: Final = {
    "workclass": 8,
    "education": 16,
    "marital-status": 7,
    "occupation": 14,
    "relationship": 6,
    "race": 5,
    "sex": 2,
    "native-country": 41,
}
_OF_NUMBERS: Final[dict[str, FeatureType]] = dict.fromkeys(NUMBERS, "number")
_OF_CATEGORIES: Final[dict[str, FeatureType]] = dict.fromkeys(CATEGORIES, "category")
SCHEMA: Final = _OF_NUMBERS | _OF_CATEGORIES
LABELS: Final = ("<=50K", ">50K")
_MISSING: Final = {"workclass": 0.06, "occupation": 0.06, "native-country": 0.02}
_RARER: Final = 0.24

Row = dict[str, float | str]


def census(rows: int, seed: int = 0) -> list[tuple[Row, str]]:
    """Rows without what is missing in them, each with its label, which follows from the row but for some noise.

    The same `seed` gives the same rows.
    """
    draw = np.random.default_rng(seed)
    numbers = {
        "age": draw.integers(17, 91, rows),
        "fnlwgt": draw.lognormal(12, 0.5, rows).round(),
        "education-num": draw.integers(1, 17, rows),
        "capital-gain": draw.integers(100, 100_000, rows) * (draw.random(rows) < 0.08),
        "capital-loss": draw.integers(100, 4_400, rows) * (draw.random(rows) < 0.05),
        "hours-per-week": draw.integers(1, 100, rows),
    }
    # A few categories have most of the rows, as in the census.
    chances = {name: 1 / np.arange(1, count + 1) for name, count in CATEGORIES.items()}
    drawn = {name: draw.choice(len(each), rows, p=each / each.sum()) for name, each in chances.items()}
    effects = [draw.normal(size=count)[drawn[name]] for name, count in CATEGORIES.items()]
    effects += [(values - values.mean()) / values.std() for values in numbers.values()]
    score = np.sum(effects, axis=0) - (numbers["age"] / 25 - 2) ** 2 + draw.logistic(size=rows)
    labels = (score > np.quantile(score, 1 - _RARER)).astype(int)
    missing = {name: draw.random(rows) < share for name, share in _MISSING.items()}
    return [
        (
            {name: float(values[place]) for name, values in numbers.items()}
            | {
                name: f"{name} {values[place]}"
                for name, values in drawn.items()
                if name not in missing or not missing[name][place]
            },
            LABELS[labels[place]],
        )
        for place in range(rows)
    ]
