"""`python -m tests.images`: says which engine would build and run the image; ends with 1 where there is none."""

from __future__ import annotations

import sys

from tests.images.engine import NoEngineError, find

if __name__ == "__main__":
    try:
        sys.stdout.write(f"The serving image is built and run by {find().name}.\n")
    except NoEngineError as error:
        sys.exit(str(error))
