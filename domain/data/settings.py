"""The settings of the data: how a dropped file is read and split."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from domain.data.spelling import READING, category, normalize
from domain.section import Fraction, Section, require_fit

# What a column of a table holds.
FeatureType = Literal["number", "category"]


class DataSettings(Section):
    """How a dropped file is read and split. `features`, their `types`, `label`, `labels` (those allowed; null: any),
    `group`, `slice`, the percentages and the text rules are frozen per `epoch`: to change them, raise `epoch` (models
    of different epochs are never compared).

    The gate judges each value of the column `slice` by itself; it may be a feature or the group as well. A row without
    a value there is judged with all the others and belongs to no slice.
    """

    features: tuple[str, ...] | None = Field(
        ("text",),
        min_length=1,
        max_length=256,
        description="the columns that the model reads; several texts are joined, one per line; null, of tables: all "
        "that the first file has, but those named below",
    )
    types: dict[str, FeatureType] | None = Field(
        None,
        max_length=256,
        description="of tables: whether a feature is a `number` or a `category`; of the others the first file says",
    )
    label: str = Field("label", min_length=1, description="the column that it learns to give")
    labels: tuple[str, ...] | None = Field(
        None, min_length=2, max_length=200, description="the labels allowed, all others are broken rows; null: any"
    )
    group: str | None = Field(
        None, description="a column whose rows with the same value stay in one split (a customer, a document)"
    )
    slice: str | None = Field(
        None, description="a column each value of which the gate judges by itself, as it does each label"
    )
    epoch: int = Field(
        1, ge=1, description="raise it to change columns, split percentages or text rules: everything is derived again"
    )
    test_percent: int = Field(10, ge=1, le=40, description="rows held out to judge models by")
    validation_percent: int = Field(10, ge=1, le=40, description="rows by which training chooses its best epoch")
    quiet_seconds: int = Field(
        60, ge=0, le=3600, description="how long landing must be quiet, so that files dropped together make one run"
    )
    settle_max_seconds: int = Field(900, ge=0, le=86400, description="how long a run waits for that at most")
    max_rejected_fraction: Fraction = Field(
        0.2, description="a file with more broken rows than this is held as a whole, until this is raised"
    )
    max_chars: int = Field(
        20_000, ge=1, le=100_000, description="the longest text, in characters; a row with a longer one is broken"
    )
    min_train_rows: int = Field(
        100, ge=2, description="with fewer rows to learn from nothing is trained; the next drop is added to them"
    )
    min_label_rows: int = Field(
        2, ge=1, description="a label with fewer rows to learn from is set aside until there are enough"
    )

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> DataSettings:
        columns = [*(self.features or ()), self.label, *([self.group] if self.group else [])]
        if len(set(columns)) != len(columns):
            raise ValueError(f"features, label and group must be different columns, got {columns}")
        if self.slice == self.label:
            raise ValueError(f"slice must be another column than label, {self.label!r}: each label is judged anyway")
        return self

    @model_validator(mode="after")
    def _features_fit_a_hyperparameter(self) -> DataSettings:
        require_fit("the names of features take", self.features, "take fewer or shorter ones")
        return self

    @model_validator(mode="after")
    def _types_are_of_features(self) -> DataSettings:
        typed = self.types or {}
        known = self.features if self.features is not None else set(typed) - {self.label, self.group}
        others = [name for name in typed if name not in known]
        if others:
            raise ValueError(f"types must be of features, got {others[0]!r}")
        return self

    @model_validator(mode="after")
    def _labels_are_as_rows_hold_them(self) -> DataSettings:
        labels = self.labels or ()
        spelled = [category(normalize(label)) for label in labels]
        odd = [label for label, row in zip(labels, spelled, strict=True) if row != label or spelled.count(row) > 1]
        if odd or not all(labels):
            raise ValueError(
                "labels must be different, not empty, without further blanks and as rows hold them "
                f"('1' for 1.0, 'true' for TRUE), got {[*odd, ''][0]!r}"
            )
        return self

    def texts(self) -> tuple[str, ...]:
        """The features of a task that reads texts alone. Raises ValueError for settings of tables."""
        if self.features is None or self.types is not None:
            raise ValueError("features must be a list of names, and types null: this task reads texts, and no tables")
        return self.features

    def frozen(self) -> dict[str, object]:
        """The part that an epoch fixes for ever, as JSON-ready values, and the number of the reading rules."""
        return {
            "reading": READING,
            "features": None if self.features is None else list(self.features),
            "types": self.types,
            "label": self.label,
            "labels": None if self.labels is None else sorted(self.labels),
            "group": self.group,
            "slice": self.slice,
            "test_percent": self.test_percent,
            "validation_percent": self.validation_percent,
            "max_chars": self.max_chars,
        }
