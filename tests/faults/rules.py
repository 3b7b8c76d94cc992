"""How the rows of the matrix are written: a case's name, and the rules of the fault switch that it sets."""

from __future__ import annotations

import re
from typing import Any

Rule = dict[str, Any]


def slug(*words: str) -> str:
    """A name of a case from what it is about; empty words are left out."""
    return "-".join(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-").lower() for word in words if word)


def on(step: str, operation: str, match: str, **what: Any) -> tuple[Rule]:
    """One rule about a step's calls of an operation, `match` a part of their content."""
    return ({"caller": step, "operation": operation, "match": match, **what},)


def machine(operation: str) -> Rule:
    """What Step Functions itself asks for."""
    return {"caller": "states", "operation": operation}
