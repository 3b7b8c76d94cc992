"""Who may do what with which facts of the ledger: one table, from which each function's rights are made.

A fact's kind is its partition key (`ledger/keys.py`), so IAM can tell kinds apart (`dynamodb:LeadingKeys`). What parses
bytes that come from elsewhere (Prepare files, Screen, Evaluate and Adopt models too) can note what it found, and move
neither the champion nor an approval: read the table by its `put`.
"""

from __future__ import annotations

from typing import Final

from ledger import keys

# They look who has the claim. Promote needs not look: it writes only while it has it, as a condition of the write.
_CLAIMED: Final = "claim prepare screen evaluate adopt reject redeploy release reconcile lifecycle-is-complete"
# Each may end a run: it writes the verdict, and closes what the run answers.
_CONCLUDES: Final = "prepare screen evaluate reject promote release reconcile lifecycle-is-complete approve"
# They look for what is still to be done.
_LOOKS: Final = "release reconcile"

# Kind of facts → what is done with them → the functions that may. A kind more is a line more.
RIGHTS: Final[dict[str, dict[str, str]]] = {
    keys.CLAIM: {
        "get": _CLAIMED,
        "check": "prepare screen evaluate reject promote",
        "put": "claim reconcile lifecycle-is-complete",
        "delete": "release reconcile lifecycle-is-complete",
    },
    keys.CHAMPION: {"get": f"adopt redeploy {_CONCLUDES}", "put": "promote"},
    keys.ANCHOR: {"get": "evaluate", "query": "release", "update": "promote"},
    keys.JUDGEMENT: {"get": f"evaluate redeploy promote approve {_LOOKS}", "query": "release", "put": "evaluate"},
    keys.ADOPTION: {"get": "screen evaluate adopt redeploy release", "query": "release", "put": "adopt"},
    keys.APPROVAL: {
        "get": f"redeploy promote {_LOOKS}",
        "query": _LOOKS,
        "put": "approve",
        "delete": "promote release reconcile lifecycle-is-complete approve",
    },
    keys.RUN: {
        "get": "prepare screen evaluate reject redeploy promote announce approve release reconcile",
        "query": "evaluate release reconcile lifecycle-is-complete",
        "put": f"redeploy {_CONCLUDES}",
    },
    keys.DATASET: {"get": f"prepare {_LOOKS}", "put": _CONCLUDES},
    keys.FAILURES: {"update": "reconcile"},
    keys.HELD: {"query": f"prepare {_LOOKS}", "put": "prepare screen reject", "delete": "prepare"},
    keys.VOUCHED: {"query": "prepare screen"},
    keys.REQUEST: {"query": f"prepare {_LOOKS}", "delete": _CONCLUDES},
    keys.EPOCH: {"get": "prepare", "put": "prepare"},
    keys.MARKER: {"get": "prepare announce reconcile", "put": "prepare announce reconcile"},
    keys.ARRIVAL: {"query": f"prepare {_LOOKS}", "put": "prepare", "delete": "prepare"},
    keys.CONTENT: {"get": "prepare", "put": "prepare"},
}

ACTIONS: Final = {
    "get": "dynamodb:GetItem",
    "query": "dynamodb:Query",
    "check": "dynamodb:ConditionCheckItem",
    "put": "dynamodb:PutItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
}


def of(function: str) -> dict[str, list[str]]:
    """What a function may do: IAM action → kinds of facts, both sorted; {} for one that does not know the ledger."""
    found: dict[str, list[str]] = {}
    for kind, done in sorted(RIGHTS.items()):
        for what, functions in done.items():
            if function in functions.split():
                found.setdefault(ACTIONS[what], []).append(kind)
    return dict(sorted(found.items()))


def functions() -> set[str]:
    """The functions that the table names."""
    return {name for done in RIGHTS.values() for names in done.values() for name in names.split()}
