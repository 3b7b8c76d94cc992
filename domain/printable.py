"""Text that others wrote (data, labels, file names, reasons, causes) as it may be shown: as typed, and without effect.

A terminal obeys escape sequences (its title, the clipboard, links), a line break forges a line of a log or of a mail,
and bidirectional marks make a name read as another one.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Controls (C0, DEL, C1), format characters (bidirectional marks, zero-width ones, tags), halves of surrogate pairs, and
# the two separators that end a line (Unicode Standard, table 4-4, General Category).
_WITH_EFFECT: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# They join what stands beside them, and words of Persian or Hindi and many emoji are not spelled without them.
_JOINERS: Final = "\u200c\u200d"
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# "must be less than 100 characters long" (Amazon SNS API Reference, Publish).
_SUBJECT: Final = 99
# Longer than any label that people count by; a text of a row is, as a rule.
_LABEL: Final = 64


def printable(text: str) -> str:
    r"""`text` on one line; what would have an effect is spelled as in Python and bash's `$'…'`: `\n`, `\x1b`, `\u202e`.

    All else stays as typed, a backslash too; so a second time changes nothing.
    """
    if text.isprintable():
        return text
    return "".join(_escape(character) if _has_effect(character) else character for character in text)


def ascii_subject(text: str) -> str:
    """`text` as the subject of a mail: ASCII on one line, under 100 characters, all that Amazon SNS accepts."""
    return printable(text).encode("ascii", "backslashreplace").decode("ascii")[:_SUBJECT]


def brief(label: str) -> str:
    """`label` as mails, logs and reasons show it: of one that is too long for a label, how long it is.

    Where the columns are mixed up, labels are the texts of rows, which do not belong there.
    """
    return label if len(label) <= _LABEL else f"<{len(label)} characters>"


def _has_effect(character: str) -> bool:
    return unicodedata.category(character) in _WITH_EFFECT and character not in _JOINERS


def _escape(character: str) -> str:
    code = ord(character)
    # Not \x from 0x80 on: to bash that is a byte, and half a character.
    spelled = f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return _SHORT.get(character, spelled)
