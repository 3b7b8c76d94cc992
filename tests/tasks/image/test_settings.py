"""What may be set for the training on images."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.settings import of


def training(**given: Any) -> Any:
    return of("image").model_validate({"training": given}).training


def test_the_default_base_model_is_pinned_to_a_commit() -> None:
    assert re.fullmatch("[0-9a-f]{40}", training().base_revision)


@pytest.mark.parametrize("name", [None, "google/vit-base-patch16-224", "s3://bucket/prefix/"])
def test_another_base_model_does_not_have_its_revision(name: str | None) -> None:
    found = training(base_model=name)
    assert (found.base_model, found.base_revision) == (name, None)
    assert training(base_model="a/b", base_revision="c").base_revision == "c"


@pytest.mark.parametrize(
    "given", [{"batch_size": 1}, {"augmentation": "rotate"}, {"image_size": 8}, {"int8_min_agreement": 0.9}]
)
def test_a_wrong_one_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        training(hyperparameters=given)
    assert [error["loc"][-1] for error in refused.value.errors()] == [*given]
