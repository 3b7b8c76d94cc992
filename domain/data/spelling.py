"""How a value is spelled: the one text that all spellings of a value come to, whatever the kind of file it stands in.

Who a row is, which split it is in and which label it has follow from these texts, so the rules have a number,
`READING`, that an epoch freezes.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from typing import Final

# Raise it with every change that gives some file other rows, ids, labels, groups or slices.
READING: Final = 2

# NFC makes one character of at most four: a Greek letter with breathing, accent and iota below.
MOST_COMPOSED: Final = 4
# No language needs more marks on a letter than Unicode's stream-safe format allows (UAX 15, section 13), and some
# Pythons sort a run of them in time that grows with its square.
_MOST_MARKS: Final = 30
# These three have combining class 0 and are made of marks.
_MADE_OF_MARKS: Final = frozenset("\u0f73\u0f75\u0f81")

# What cannot be seen anywhere: soft hyphen, word joiner, byte order mark, and what directs the flow of text.
_NEVER_SEEN: Final = "\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060\u2066-\u206f\ufeff"
# Scripts without blanks between words, which a zero-width space may part: Thai, Lao, Myanmar, Khmer and their kin.
_WITHOUT_BLANKS: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
_UNSEEN: Final = re.compile(
    f"[{_NEVER_SEEN}]+|(?<![{_WITHOUT_BLANKS}\u200b])\u200b+|\u200b(?![{_WITHOUT_BLANKS}])",
)
# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, and the blank that may stand among them.
_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_AT_THE_START: Final = re.compile(f"[ {_IGNORABLE}]+")
# An emoji, a Chinese character or a Mongolian letter keeps the selector, a flag the tags, that say how it looks.
_AT_THE_END: Final = re.compile(
    "((?<=[\u00a9\u00ae\u1000-\u109f\u1800-\u18af\u2000-\U0010ffff])"
    f"(?:[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]|[\U000e0020-\U000e007e]+\U000e007f))?[ {_IGNORABLE}]*$"
)
_IS_IGNORABLE: Final = re.compile(f"[{_IGNORABLE}]")

_WHOLE: Final = re.compile(r"(-?[0-9]+)\.0+")
_TRUTH: Final = {"TRUE": "true", "True": "true", "FALSE": "false", "False": "false"}
# A decimal number as programs and spreadsheets write it: no blanks within, no separators of thousands.
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
# Whole numbers below are written out; from there on Python writes a double with an exponent.
_WRITTEN_OUT: Final = 1e16
# What programs write where a value is missing.
_MISSING: Final = frozenset({"nan", "null", "none", "nil", "n/a", "na", "#n/a", "<na>", "?", "-"})
_NO_LABEL: Final = _MISSING | {"-1", "undefined"}


class TooManyMarks(ValueError):
    """A letter has more combining marks than any language needs."""


def normalize(text: str) -> str:
    """NFC, with runs of white space folded to one blank, and without what cannot be seen.

    Two rows that differ only there are the same row: otherwise a copy of a test row could hide in the training split
    behind a trailing blank. Joiners within the text stay, and so does what makes an emoji the one that it is.
    The time grows with the length alone. Raises TooManyMarks.
    """
    # What is printable has no white space but blanks; to see that takes a third of the time of the fold.
    if text.isascii():
        return text.strip(" ") if text.isprintable() and "  " not in text else " ".join(text.split())
    if not text.isprintable():
        text = " ".join(_UNSEEN.sub("", text).split())
    elif "  " in text:
        text = " ".join(text.split())
    else:
        text = text.strip(" ")
    _check_marks(text)
    text = unicodedata.normalize("NFC", text)
    if text and (_IS_IGNORABLE.match(text[0]) or _IS_IGNORABLE.match(text[-1])):
        return _without_ends(text)
    return text


def _without_ends(text: str) -> str:
    start = _AT_THE_START.match(text)
    if start:
        text = text[start.end() :]
    seen = len(text)
    while seen and _AT_THE_START.match(text[seen - 1]):
        seen -= 1
    kept = _AT_THE_END.match(text, seen)
    return text[:seen] + ((kept[1] if kept else "") or "")


def _check_marks(text: str) -> None:
    # A run that is too long has a mark at one of these places.
    for place in range(0, len(text), _MOST_MARKS + 1):
        if _is_mark(text[place]):
            first = last = place
            while first and _is_mark(text[first - 1]) and last - first <= _MOST_MARKS:
                first -= 1
            while last + 1 < len(text) and _is_mark(text[last + 1]) and last - first <= _MOST_MARKS:
                last += 1
            if last - first >= _MOST_MARKS:
                raise TooManyMarks(f"over {_MOST_MARKS} combining marks on one letter")


def _is_mark(character: str) -> bool:
    return unicodedata.combining(character) > 0 or character in _MADE_OF_MARKS


def plain(value: object) -> str | None:
    """The text of a JSON number or truth value; None for anything else, and for NaN and infinity.

    An integer keeps all of its digits. A number with a point or an exponent is a double, as it is to most programs: in
    its shortest form, and like an integer if it is whole, so that 1, 1.0 and 10e-1 are "1", and 1e23 is "1" with 23
    zeros.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        # Not int(value), which would write out what the double nearest to 1e23 is instead.
        return str(int(Decimal(repr(value)))) if value.is_integer() else repr(value)
    return str(value) if isinstance(value, int) else None


def category(text: str) -> str:
    """The text of a label, a group or a slice, given normalized: whole numbers without zeros behind the point, and
    truth values in lower case.

    Programs write a column of whole numbers as 1.0 as soon as one is missing, and spreadsheets write TRUE.
    """
    if text.endswith("0") and (whole := _WHOLE.fullmatch(text)):
        return "0" if whole[1] == "-0" else whole[1]
    return _TRUTH.get(text, text)


def number(text: str) -> str | None:
    """The text of a number: the double that it is to most programs, in its shortest form; None for what is none.

    "1", "1.0", "+1" and "1e0" are "1". What is beyond the largest double is none.
    """
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    if not math.isfinite(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < _WRITTEN_OUT else repr(value)


def is_missing(text: str) -> bool:
    """Whether a text says that there is no value: nan, n/a and their like."""
    return text.casefold() in _MISSING


def alike(label: str) -> str:
    """What two labels have in common that differ only in case, white space or width."""
    return "".join(unicodedata.normalize("NFKC", label).casefold().split())


def is_no_label(label: str, column: str) -> bool:
    """Whether a label looks as if there were none: -1, nan and their like, or the header's own word."""
    return alike(label) in _NO_LABEL or alike(label) == alike(column)
