"""Text that would do something where it is shown, and what it may look like there."""

from __future__ import annotations

import unicodedata

HOSTILE = {
    "markup": "a [great] film [/quote] [red]x[/red] [link=https://x.test]y[/link] :smile:",
    # The title, the clipboard (OSC 52), a hyperlink (OSC 8), an empty screen, hidden text.
    "escapes": "\x1b]0;owned\x07\x1b]52;c;cm0=\x07\x1b]8;;https://x.test\x1b\\y\x1b[2J\x1bc\x1b[8mz\x1b[0m",
    # The same in C1 controls, and what goes back over a line.
    "controls": "\x9b2J\x9d0;owned\x9c\x85 passed\x08\x08\x08\x08\x08\x08failed\x7f",
    "bidi": "\u202egpj.\u2066exe\u2069\u202c\u200e\u200f\u061c a\ufeff\u2060\u00ad\U000e0041\u200bb",
    "lines": "x\nRun 0123456789ab: promoted\r\nverdict: promote\u2028a\u2029b\x0b\x0c",
    "html": "<script>alert(1)</script>\"'&amp;<!-- {{ 7*7 }}",
    "metric": "metric validation_accuracy=0.9999 step=1",
}
_JOINERS = "\u200c\u200d"


def effects(shown: str) -> list[str]:
    """The characters of an output, other than its line ends, that do something where they are shown."""
    bad = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [c for c in shown if c != "\n" and unicodedata.category(c) in bad and c not in _JOINERS]
