"""Runs the training script and kills it, as an interruption does, right before it opens a file for the nth time.

Usage: python -m tests.training.killed FILE N ARGUMENT…
"""

from __future__ import annotations

import os
import signal
import sys

from training.train import main


def kill_at(name: str, count: int) -> None:
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event == "open" and os.path.basename(str(arguments[0])) == name and arguments[1] == "w":
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    kill_at(sys.argv[1], int(sys.argv[2]))
    main(sys.argv[3:])
