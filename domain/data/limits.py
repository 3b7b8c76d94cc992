"""How much one invocation of Prepare can derive: its size, what it was measured to do, and the limit that follows.

A file must pass through one invocation, since its parts exist once its report does. Several files need not: each is
derived once, so an invocation that ran out of time is repeated by the machine and goes on with the next file.
"""

from __future__ import annotations

from typing import Final

PREPARE_SECONDS: Final = 900
PREPARE_MEMORY_MB: Final = 1769  # where Lambda gives one whole CPU
PREPARE_DISK_MB: Final = 4096
# What one CPU derives (docs/data.md), rounded down: bytes where rows are as long as a review, rows where they are
# as short as a word.
BYTES_PER_SECOND: Final = 8_000_000
ROWS_PER_SECOND: Final = 80_000
# By these figures a file may take a quarter of the time for its bytes and a quarter for its rows. Half is left for a
# slower CPU, and to begin a large file late: it is begun again by the next invocation, with all of the time.
SAFETY: Final = 4
MAX_FILE_BYTES: Final = PREPARE_SECONDS * BYTES_PER_SECOND // SAFETY
MAX_FILE_ROWS: Final = PREPARE_SECONDS * ROWS_PER_SECOND // SAFETY


def over_the_limit(found: int, limit: int, what: str) -> str:
    """Why a file with `found` of `what` (bytes, rows), over `limit`, is not derived, and the fix."""
    return f"{found:,} {what}, over the limit of {limit:,} that one Lambda function can derive: split the file"
