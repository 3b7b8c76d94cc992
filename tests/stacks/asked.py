"""Imports the handlers of one package as Lambda does, and asks each with wrong events.

    python -I -S -B asked.py CODE RUNTIME HANDLER…

CODE is the unpacked package, RUNTIME a folder with Lambda's own modules. Prints, as JSON, what became of each handler:
the error of its import, or the names of the errors that it raised. Run by path, on whatever Python is to be tried.
"""

import importlib
import json
import sys
from collections.abc import Callable

# Nothing at all, what a step is told, an EventBridge event and CloudFormation's: each of a wrong type.
WRONG: tuple[object, ...] = (
    {},
    None,
    ["x"],
    {"execution": 7, "run": 7},
    {"detail": {}},
    {"RequestType": "Create", "Data": {"Asked": "?"}},
)


def main() -> None:
    code, runtime, *handlers = sys.argv[1:]
    sys.path[:0] = [code, runtime]
    sys.stdout.write(json.dumps({handler: _asked(handler) for handler in handlers}))


def _asked(handler: str) -> str | list[str]:
    module, function = handler.rsplit(".", 1)
    # Each import is the first one: what another handler has loaded must not help this one.
    for name in [name for name in sys.modules if name.split(".")[0] in ("domain", "lambdas", "ledger", "serving")]:
        del sys.modules[name]
    try:
        ask = getattr(importlib.import_module(module), function)
    except ImportError as error:
        return f"Unable to import module '{module}': {error}"
    return sorted({_error(ask, event) for event in WRONG if not _answers(function, event)})


def _answers(function: str, event: object) -> bool:
    """on_event can answer a Create whatever came back from it before."""
    return function == "on_event" and isinstance(event, dict) and "RequestType" in event


def _error(ask: Callable[[object, None], object], event: object) -> str:
    try:
        ask(event, None)
    except Exception as error:  # noqa: BLE001 - which one it is is the answer
        return type(error).__name__
    return "none"


if __name__ == "__main__":
    main()
