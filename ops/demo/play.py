"""What is particular to the story of a task: its files, its settings, what the live model is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from local.cloud import LocalCloud


def _nothing(_cloud: LocalCloud, _console: Console) -> None:
    """How a story begins whose training needs no more than its rows."""


@dataclass(frozen=True)
class Play:
    """One task's story.

    `settings` are merged over those of cdk.json. `prepare` writes the files into a folder, which are `what`; `format`
    says how such a file looks. What is dropped in turn: `first`, `second`, `shuffled` (the same `rows`, their labels
    dealt anew), and `broken`, which has `spoiled` broken rows, together with `reshaped` if there is one: a file that
    is of another shape. `fourth` is that drop's title. Of each broken row the table shows what its quarantine has as
    `place[1]`, and calls it `place[0]`. `asked` are items of a request's `inputs`; of pictures, names of files that
    `prepare` writes. `typed` is what `mlops predict` may be given. `begin` brings to the cloud what training needs.
    `option` is what selects the story on the command line.
    """

    settings: Mapping[str, Any]
    what: str
    rows: str
    format: str
    prepare: Callable[[Path], list[Path]]
    first: str
    second: str
    shuffled: str
    broken: str
    spoiled: int
    asked: Sequence[Any]
    typed: str
    reshaped: str | None = None
    fourth: str = "A fourth file has some broken rows"
    place: tuple[str, str] = ("line", "line")
    begin: Callable[[LocalCloud, Console], None] = _nothing
    option: str = ""

    @property
    def project(self) -> str:
        """The name of the project that is deployed."""
        return str(self.settings["project"])

    @property
    def example(self) -> str:
        """What a person's own file may be called."""
        return f"{self.project}{Path(self.first).suffix}"
