"""`python -m ops.pages`: the pages that are made of code, docs/settings.md, docs/commands.md and docs/states.md."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import typer
from aws_cdk import App
from typer.cli import get_docs_for_click
from typer.main import get_command

import tasks
from domain.settings import Settings, TrainingSettings
from ops.__main__ import app
from stacks.build import build, context
from tasks.settings import training

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
_SETTINGS: Final = """# Settings

They go into `cdk.json` under `settings`, such as `"gate": {"min_accuracy": 0.8}`; what is not there has its default.
A wrong key or value is refused at synth with what is allowed. A deploy brings a change; what an epoch froze needs
another `data.epoch`. A task has hyperparameters and defaults of its own, which stand at the end. `make pages` made this
page of `domain/settings.py`, `domain/data/settings.py` and `tasks/*/settings.py`.

"""
_STATES: Final = """# Every state, and where it leads

Drawn from the state machine that `cdk synth` makes; `make pages` does it. A dotted line is an error that is caught.
One is not drawn: each state that calls a function ends in **Superseded**, and does no harm, when its execution has lost
the claim.

"""
_LOST: Final = "Superseded"
_SHAPES: Final = {
    "Task": '["{}"]',
    "Wait": '[/"{}"/]',
    "Choice": '{{"{}"}}',
    "Succeed": '(["{}"])',
    "Fail": '(["{}"])',
    "Pass": '["{}"]',
}
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
    common = _section(schema, schema, "", "The project")
    own = (line for task in tasks.folders() for line in _of_task(task))
    return _SETTINGS + "\n".join([*common, *own])


def commands_page() -> str:
    """docs/commands.md."""
    command = get_command(app)
    context = typer.Context(command, info_name="mlops")
    return get_docs_for_click(obj=command, ctx=context, name="mlops", title="Commands").strip() + "\n"


def states_page(definition: Mapping[str, Any]) -> str:
    """docs/states.md: the states of `definition` (Amazon States Language) as a Mermaid flowchart."""
    states: Mapping[str, Mapping[str, Any]] = definition["States"]
    drawn = {name: state for name, state in states.items() if name != _LOST}
    nodes = [f"    {name}{_SHAPES[state['Type']].format(name)}" for name, state in drawn.items()]
    edges = [edge for name, state in drawn.items() for edge in _edges(name, state)]
    chart = "\n".join(["flowchart TD", f"    start(( )) --> {definition['StartAt']}", *nodes, *edges])
    return f"{_STATES}```mermaid\n{chart}\n```\n"


def _edges(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    for choice in state.get("Choices", []):
        yield f'    {name} -->|"{_spoken(choice["Condition"])}"| {choice["Next"]}'
    if "Default" in state:
        yield f"    {name} -->|otherwise| {state['Default']}"
    if "Next" in state:
        yield f"    {name} --> {state['Next']}"
    for caught in sorted({catcher["Next"] for catcher in state.get("Catch", [])} - {_LOST}):
        yield f"    {name} -.-> {caught}"


def _spoken(condition: str) -> str:
    """A condition in JSONata without its marks, as it can stand in a chart."""
    return condition.removeprefix("{% ").removesuffix(" %}").replace("$", "")


def _definition() -> dict[str, Any]:
    """The pipeline's state machine as the settings of cdk.json make it; of references only that they are there."""
    with tempfile.TemporaryDirectory() as folder:
        made = App(context={**context(), "aws:cdk:bundling-stacks": []}, outdir=folder)
        stack = build(made)
        made.synth()
        template = json.loads((Path(folder) / stack.template_file).read_text(encoding="utf-8"))
    machine = next(
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
        and str(resource["Properties"].get("StateMachineName", "")).endswith("-pipeline")
    )
    _, parts = machine["DefinitionString"]["Fn::Join"]
    text = "".join(part if isinstance(part, str) else "reference" for part in parts)
    definition: dict[str, Any] = json.loads(text)
    return definition


def _section(
    schema: dict[str, Any], section: dict[str, Any], prefix: str, title: str, whose: str = ""
) -> Iterator[str]:
    """A table of the settings of a section, and after it those of the sections within."""
    yield f"## {title}{whose}\n\n| setting | default | allowed | what it is |\n|---|---|---|---|"
    inner = []
    for name, field in section["properties"].items():
        if "$ref" in field:
            found = schema["$defs"][field["$ref"].rsplit("/", 1)[1]]
            # What a task may have of its own has none here.
            inner += [(name, found)] if found["properties"] else []
            continue
        default = json.dumps(field["default"])
        yield f"| `{prefix}{name}` | `{default}` | {_allowed(field)} | {field['description']} |"
    yield ""
    for name, found in inner:
        yield from _section(schema, found, f"{prefix}{name}.", f"`{prefix}{name}`", whose)


def _of_task(task: str) -> Iterator[str]:
    """The training's settings that are another than all tasks', or have another default."""
    schema, common = training(task).model_json_schema(), TrainingSettings.model_json_schema()["properties"]
    own = {name: field for name, field in schema["properties"].items() if field != common.get(name)}
    return _section(schema, {"properties": own}, "training.", "`training`", f" of the task `{task}`")


def _allowed(field: dict[str, Any]) -> str:
    options = field.get("anyOf", [field])
    return " or ".join(filter(None, map(_of_one_kind, options)))


def _of_one_kind(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kind = {
        "null": "`null`",
        "boolean": "`true`, `false`",
        "array": "a list of texts",
        "object": "an object",
        "string": "text",
    }.get(field["type"], "a whole number" if field["type"] == "integer" else "a number")
    if field.get("minLength") == 1:
        return f"{kind}, not empty"
    bounds = [words.format(f"{field[name]:,}") for name, words in _BOUNDS.items() if name in field]
    return ", ".join([kind, *bounds, *([f"`{field['pattern']}`".replace("|", "\\|")] if "pattern" in field else [])])


def main() -> None:
    """Write all of them."""
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
    (DOCS / "commands.md").write_text(commands_page(), encoding="utf-8")
    (DOCS / "states.md").write_text(states_page(_definition()), encoding="utf-8")


if __name__ == "__main__":
    main()
