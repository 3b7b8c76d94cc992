"""`python -m bench [--full] [PART…]`: measure the parts one after the other, print their tables, keep the figures.

`python -m bench [--full] --task TASK fuzz` does so for one task's server, and keeps the figures apart.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import time
from functools import partial
from typing import Final

import tasks
from bench.chart import draw
from bench.environments import CACHE
from bench.machine import this_machine
from bench.report import Result, keep, quietly, show
from ops.bootstrap import ROOT
from ops.console import make_console, seconds

# In this order; each is the module `bench.NAME`.
PARTS: Final[tuple[str, ...]] = ("cold_start", "load", "tables", "images", "int8", "evaluate", "train", "control_plane")
# Too long for `make bench`.
LONG_PARTS: Final[tuple[str, ...]] = ("http_servers", "fuzz", "resume")
# The part that can be asked of one task.
_OF_EACH_TASK: Final = "fuzz"


def main() -> None:
    """Run the parts that are named, or all of them."""
    everything = (*PARTS, *LONG_PARTS)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"default: all of {', '.join(everything)}")
    parser.add_argument("--full", action="store_true", help="more repetitions, and the long parts")
    parser.add_argument("--task", choices=tasks.names(), help=f"of {_OF_EACH_TASK} alone: this task's server")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(everything):
        parser.error(f"there is no part {min(unknown)}")
    if arguments.task and arguments.parts != [_OF_EACH_TASK]:
        parser.error(f"only {_OF_EACH_TASK} asks a task's server")
    of_task = {"task": arguments.task} if arguments.task else {}
    # So that a part that is told to stop still ends the servers it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console, machine = make_console(), this_machine()
    console.print(f"{machine}")
    for name in arguments.parts or (everything if arguments.full else PARTS):
        began = time.monotonic()
        work = partial(importlib.import_module(f"bench.{name}").run, full=arguments.full, **of_task)
        result: Result = quietly(CACHE / f"{name}.log", work)
        show(result, console)
        path = keep("-".join([name, *of_task.values()]), result, machine, arguments.full)
        console.print(f"{name}: {seconds(time.monotonic() - began)}; figures in {path.name}", style="dim")
    if chart := draw():
        console.print(f"chart: {chart.relative_to(ROOT)}", style="dim")


if __name__ == "__main__":
    main()
