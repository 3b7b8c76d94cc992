"""The measures that models are judged by: what each is called, which way is better, and how a value is told.

How a value is computed is the gate's own (`domain/gate`). Here are the words that the job, the registry, the dashboard
and the pages share.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from domain.settings import GateSettings, Kind

# A share of something, 1 at best; or what the truths are counted in, whatever that is.
Unit = Literal["fraction", "target"]
# Up to here a number is told in full, however many of its digits say anything.
_IN_FULL: Final = 1e15


@dataclass(frozen=True)
class Measure:
    """A figure that follows from truths and answers, and its direction.

    `key` names it in JSON and in metrics, `name` in sentences. `best` is its value for a model that errs nowhere.
    `setting` is its threshold's name in GateSettings, and `idle` the value of that which asks for nothing.
    """

    key: str
    name: str
    higher_is_better: bool
    best: float
    setting: str
    idle: float | None
    unit: Unit

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is strictly better than `other`."""
        return one > other if self.higher_is_better else one < other

    def threshold(self, policy: GateSettings) -> float | None:
        """What the settings ask for; None: nothing can be asked of a model by it."""
        value: float | None = getattr(policy, self.setting)
        return value

    def shown(self, value: float, digits: int = 4) -> str:
        """A value for people: a fraction with so many decimals (0.9000), else one significant digit more (12346)."""
        return f"{value:.{digits}f}" if self.unit == "fraction" else significant(value, digits + 1)

    def rounded(self, value: float) -> float:
        """A value for JSON that people read. What is small in the target's unit says as much as what is large."""
        return round(value, 6) if self.unit == "fraction" else value


ACCURACY: Final = Measure("accuracy", "accuracy", True, 1.0, "min_accuracy", 0.0, "fraction")
MACRO_F1: Final = Measure("macro_f1", "macro-F1", True, 1.0, "min_macro_f1", 0.0, "fraction")
MAE: Final = Measure("mae", "MAE", False, 0.0, "max_mae", None, "target")
RMSE: Final = Measure("rmse", "RMSE", False, 0.0, "max_rmse", None, "target")
R2: Final = Measure("r2", "R²", True, 1.0, "min_r2", None, "fraction")

OF_KIND: Final[dict[Kind, tuple[Measure, ...]]] = {
    "classification": (ACCURACY, MACRO_F1),
    "regression": (MAE, RMSE, R2),
}
EVERY: Final = tuple(measure for measures in OF_KIND.values() for measure in measures)
BY_KEY: Final = {measure.key: measure for measure in EVERY}
BY_NAME: Final = {measure.name: measure for measure in EVERY}


def among(keys: Collection[str]) -> list[Measure]:
    """Those measures whose keys are among `keys`, which may have others."""
    return [measure for measure in EVERY if measure.key in keys]


def by_unit(measures: Iterable[Measure]) -> dict[Unit, list[Measure]]:
    """The measures that can share a graph, by their unit; each in the order given."""
    found: dict[Unit, list[Measure]] = {}
    for measure in measures:
        found.setdefault(measure.unit, []).append(measure)
    return found


def significant(value: float, digits: int) -> str:
    """A number with so many significant digits, and a whole part in full: 0.81234, 12346, 1234568."""
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < _IN_FULL else text


def told(value: float, digits: int) -> str:
    """A number that may be of any unit, such as a loss: with so many decimals, or without any where it is large."""
    return f"{value:.{digits}f}" if abs(value) < 1000 else significant(value, digits + 1)
