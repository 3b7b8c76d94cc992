"""What others wrote is shown as typed and does nothing."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.data.vocabulary import Counts, changes, sentence, sentence_aside
from domain.printable import ascii_subject, brief, printable
from tests.hostile import HOSTILE, effects


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a [great] film [/quote]",
        "C:\\new\\x1b",
        "naïve café",
        "שלום",
        "می\u200cخواهم",
        "👩\u200d💻",
        "a\u00a0b",
        "e\u0301",
    ],
)
def test_what_has_no_effect_is_as_typed(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x9b2J\x7f\x00", r"\u009b2J\x7f\x00"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\u2028\ufeff\u00ad", r"\u2028\ufeff\u00ad"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_has_an_effect_is_spelled(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(text=st.text(st.characters(), max_size=60))
@example(text=HOSTILE["lines"])
def test_any_text_does_nothing_and_a_second_time_changes_nothing(text: str) -> None:
    shown = printable(text)
    assert effects(shown) == []
    assert "\n" not in shown
    assert printable(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize("text", [text for text in HOSTILE.values() if "\\" not in text])
def test_bash_reads_it_back(text: str) -> None:
    quoted = printable(text).replace("'", r"\'")
    ran = subprocess.run(["bash", "-c", f"printf %s $'{quoted}'"], capture_output=True, env={"LC_ALL": "C.UTF-8"})
    assert ran.stdout.decode() == text


@given(text=st.text(st.characters(), max_size=200))
@example(text="shop: \ud800 it’s\nSubject: other")
def test_a_subject_is_what_sns_accepts(text: str) -> None:
    """ASCII, no line breaks or control characters, less than 100 characters (SNS API Reference, Publish)."""
    assert re.fullmatch(r"[\x20-\x7e]{0,99}", ascii_subject(text))


def test_a_long_label_is_told_by_its_length() -> None:
    """Where the columns are mixed up, labels are texts, which belong into no mail."""
    assert brief("positive") == "positive"
    assert brief("x" * 64) == "x" * 64
    assert brief("a film that is " * 5) == "<75 characters>"
    label = "a text of somebody " * 4
    for said in (sentence_aside({label: 1}, [], 2), sentence(changes({label: Counts(1, 0)}, {}, 10), 10)):
        assert "'<76 characters>' (1 rows)" in str(said)
        assert "somebody" not in str(said)
