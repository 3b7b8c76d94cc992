"""What the settings of an image task may say of its columns."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tasks.image.row import asked, columns
from tasks.image.settings import Data


def test_a_row_is_one_picture() -> None:
    (column,) = columns(Data())
    assert (column.name, column.type, column.required) == ("image", "image", True)
    assert asked({"image": "aGk=", "note": "no feature"}, ["image"]) == "aGk="


@pytest.mark.parametrize("data", [Data(types={"image": "category"}), Data(slice="image"), Data(features=None)])
def test_other_settings_are_refused(data: Data) -> None:
    with pytest.raises(ValueError, match="picture"):
        columns(data)


def test_several_pictures_a_row_are_refused() -> None:
    with pytest.raises(ValidationError, match="at most 1 item"):
        Data(features=("front", "back"))
