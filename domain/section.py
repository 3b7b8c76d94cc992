"""What all sections of the settings are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain import hyperparameters

Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """Some settings that belong together. Unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def require_fit(what: str, value: object, advice: str) -> None:
    """Raise ValueError for what is too long to be a hyperparameter; `what` takes so many characters."""
    length = hyperparameters.chars(value)
    if length > hyperparameters.MOST_CHARS:
        raise ValueError(
            f"{what} {length:,} characters as a hyperparameter, and SageMaker allows {hyperparameters.MOST_CHARS:,}: "
            f"{advice}"
        )
