"""`python -m ops.pages`: the pages that are made of code, docs/settings.md and docs/commands.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from domain.config import Settings
from ops.__main__ import app

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
_SETTINGS: Final = """# Settings

They live in `cdk.json` under `settings`. A wrong key or value is refused at synth with what is allowed. A deploy brings
a change; what an epoch froze needs another `data.epoch`. `make pages` made this page of `domain/config.py`.

"""
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "{} or more",
    "maxItems": "at most {}",
}


def settings_page() -> str:
    """docs/settings.md."""
    schema = Settings.model_json_schema()
    sections = "\n".join(_section(schema, schema, "", "The project"))
    return f"{_SETTINGS}{sections}"


def commands_page() -> str:
    """docs/commands.md."""
    command = get_command(app)
    context = typer.Context(command, info_name="mlops")
    return get_docs_for_click(obj=command, ctx=context, name="mlops", title="Commands").strip() + "\n"


def _section(schema: dict[str, Any], section: dict[str, Any], prefix: str, title: str) -> Iterator[str]:
    """A table of the settings of a section, and after it those of the sections within."""
    yield f"## {title}\n\n| setting | default | allowed | what it is |\n|---|---|---|---|"
    inner = []
    for name, field in section["properties"].items():
        if "$ref" in field:
            inner.append((name, schema["$defs"][field["$ref"].rsplit("/", 1)[1]]))
            continue
        default = json.dumps(field["default"])
        yield f"| `{prefix}{name}` | `{default}` | {_allowed(field)} | {field['description']} |"
    yield ""
    for name, found in inner:
        yield from _section(schema, found, f"{prefix}{name}.", f"`{prefix}{name}`")


def _allowed(field: dict[str, Any]) -> str:
    options = field.get("anyOf", [field])
    return " or ".join(filter(None, map(_of_one_kind, options)))


def _of_one_kind(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kind = {"null": "`null`", "boolean": "`true`, `false`", "array": "a list of texts", "string": "text"}.get(
        field["type"], "a whole number" if field["type"] == "integer" else "a number"
    )
    if field.get("minLength") == 1:
        return f"{kind}, not empty"
    bounds = [words.format(f"{field[name]:,}") for name, words in _BOUNDS.items() if name in field]
    return ", ".join([kind, *bounds, *([f"`{field['pattern']}`".replace("|", "\\|")] if "pattern" in field else [])])


def main() -> None:
    """Write both."""
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
    (DOCS / "commands.md").write_text(commands_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
