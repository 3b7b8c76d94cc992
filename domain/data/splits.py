"""Which split a row belongs to, for ever: a function of its id, or its group, alone.

So data can grow, and no row ever moves from one split to another.
"""

from __future__ import annotations


def split_of(identity: str, test_percent: int, validation_percent: int) -> str:
    """Split of a row id or group hash: its first 32 bits modulo 100, test first, then validation, else train."""
    place = int(identity[:8], 16) % 100
    if place < test_percent:
        return "test"
    return "validation" if place < test_percent + validation_percent else "train"
