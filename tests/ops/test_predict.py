"""`mlops predict` asks the live model as its task reads: a table's row by its columns, a picture by its file."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from domain import layout
from lambdas import environment
from lambdas.environment import Environment
from lambdas.model import hosting
from local.cloud import LocalCloud
from ops.__main__ import main
from tests.lambdas.project import Project
from tests.ops.conftest import make_image_receipt, make_number_receipt, make_receipt
from tests.tasks.image.jobs import LABELS, drawing, encoded, new_job
from tests.tasks.image.jobs import run as run_job
from tests.tasks.tabular.jobs import lay_out_rows, read, rows_of, schema_of, train
from tests.tiny_model import pack

WINES, PATIENTS, SHAPES = "wine", "diabetes", "shapes"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
Type = Callable[..., tuple[int, str]]


def model_of(name: str, task: str, kind: str, folder: Path) -> Path:
    """The archive of a model that has learned from one of scikit-learn's own sets."""
    schema = schema_of(name)
    lay_out_rows(folder, read(rows_of(name), schema, kind), schema, "label")
    train(folder, task, max_iter=20)
    return pack(folder / "model", folder / "model.tar.gz")


def model_of_shapes(folder: Path) -> Path:
    """The archive of a model that has learned from pictures of three shapes."""
    run_job(new_job(folder))
    return pack(folder / "model", folder / "model.tar.gz")


def live(project: Project, archive: Path, receipt: dict[str, Any], **data: Any) -> None:
    """Let the model of an archive be the project's champion, with the receipt of its run, and answer."""
    env, seal = Environment.read(), project.seal(archive)
    execution = project.claim()
    run = project.run(execution, judged="promote", verdict="promote")
    body = json.dumps({**receipt, "data": {**receipt["data"], **data}})
    project.client("s3").put_object(Bucket=project.bucket, Key=layout.run_file(run.run, "receipt.json"), Body=body)
    env.ledger.promote(execution, project.judgement(run, seal), "now")
    hosting.converge(env, env.endpoint, hosting.ensure_config(env, run.run, seal))
    project.endpoint("InService")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three projects, found as a person's environment leads to them: two of tables, one of pictures; one's name."""
    folder = tmp_path_factory.mktemp("predict")
    with LocalCloud(auth=False).start(folder / "cloud") as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        _forget_clients()
        clients = cache(boto3.session.Session().client)
        role = clients("iam").create_role(RoleName="everything", AssumeRolePolicyDocument=json.dumps(TRUST))
        for name, task, kind, receipt in (
            (WINES, "tabular", "classification", make_receipt()),
            (PATIENTS, "tabular-regression", "regression", make_number_receipt()),
        ):
            project = Project.create(clients, patch, role["Role"]["Arn"], name)
            live(project, model_of(name, task, kind, folder / name), receipt, schema=schema_of(name))
        project = Project.create(clients, patch, role["Role"]["Arn"], SHAPES)
        # The account has 10 in all, and each of the others has 4.
        project.configure("image", serving={"max_concurrency": 2})
        live(project, model_of_shapes(folder / SHAPES), make_image_receipt())
        yield WINES
    _forget_clients()


def _forget_clients() -> None:
    for maker in (environment._session, environment._table, environment._client):
        maker.cache_clear()


@pytest.fixture
def predict(projects: str, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type `mlops predict`, by default of wines; its exit code and what it printed."""

    def run(*arguments: str | Path, of: str = projects) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["predict", "--project", of, *map(str, arguments)])
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out + shown.err

    return run


def features(name: str, place: int) -> dict[str, Any]:
    """A row as it is asked: without its label, and without what it lacks."""
    return {key: value for key, value in rows_of(name)[place].items() if key != "label" and value is not None}


def typed(row: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in row.items()]


def test_a_row_is_its_columns_by_name(predict: Type) -> None:
    for place in (0, -1):
        code, shown = predict(*typed(features(WINES, place)))
        assert code == 0
        label, score, *_ = shown.split()
        assert label == rows_of(WINES)[place]["label"]
        assert 0.5 < float(score) <= 1
        assert "size-class=class " in shown


def test_what_is_left_out_or_empty_is_missing(predict: Type) -> None:
    row = features(WINES, 0)
    row.pop("alcohol", None)
    assert predict(*typed(row))[1].split()[:2] == predict(*typed(row), "alcohol=")[1].split()[:2]


def test_a_category_that_the_model_never_saw_is_told(predict: Type) -> None:
    row = features(WINES, 0)
    assert "unknown" not in predict(*typed(row | {"rare one": "a"}))[1]
    code, shown = predict(*typed(row | {"rare one": "of another world", "size-class": "class none"}))
    assert code == 0
    assert "Read as unknown, since the model never saw such a category: 2 of the values." in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a fruity wine"], "'a fruity wine' is no value of a column: the live model reads a row, alcohol=… "),
        (["alcohol=13", "colour=red"], "'colour=red' is no value of a column"),
        (["alcohol=13", "alcohol=14"], "alcohol is given twice"),
        (["alcohol=strong"], "The model did not answer: "),
        ([], "or a file with --file"),
        (["alcohol=13", "--file", "rows.csv"], "or a file with --file"),
        (["--file", "rows.txt"], "must end in .csv, .jsonl, .jpg, .jpeg, .png, .webp or .json"),
        (["--file", "none.csv"], "none.csv cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_said(predict: Type, given: list[str], said: str) -> None:
    code, shown = predict(*given)
    assert code == 2
    assert said in shown


def files(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The same rows in each form."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(schema_of(WINES)))
    writer.writeheader()
    writer.writerows(rows)
    return {
        "rows.csv": text.getvalue(),
        "rows.jsonl": "".join(f"{json.dumps(row)}\n" for row in rows),
        "rows.json": json.dumps(rows),
        "request.json": json.dumps({"inputs": rows}),
    }


@pytest.mark.parametrize("name", files([]))
def test_a_file_says_the_same_as_its_rows(predict: Type, tmp_path: Path, name: str) -> None:
    rows = [features(WINES, place) for place in (0, 80, -1)]
    (tmp_path / name).write_text(files(rows)[name])
    code, shown = predict("--file", tmp_path / name)
    assert code == 0
    singly = [predict(*typed(row))[1].split()[:2] for row in rows]
    assert [line.split()[:2] for line in shown.splitlines() if not line.startswith("Read as")] == singly


def test_several_labels_are_asked_for_in_json_alone(predict: Type, tmp_path: Path) -> None:
    for name, content in files([features(WINES, 0)]).items():
        (tmp_path / name).write_text(content)
    for given in (typed(features(WINES, 0)), ["--file", tmp_path / "rows.json"]):
        assert predict(*given, "--top", "3")[1].count("class_") == 3
    code, shown = predict("--file", tmp_path / "rows.csv", "--top", "3")
    assert (code, "use a .json file with --top" in shown) == (2, True)


def test_a_json_file_of_something_else_is_refused(predict: Type, tmp_path: Path) -> None:
    for content in ('{"alcohol": 13}', "13", "[13"):
        (tmp_path / "rows.json").write_text(content)
        code, shown = predict("--file", tmp_path / "rows.json")
        assert code == 2
        assert "must hold a list" in shown or "cannot be read" in shown


def test_a_number_is_shown_in_its_own_unit(predict: Type) -> None:
    code, shown = predict(*typed(features(PATIENTS, 0)), of=PATIENTS)
    assert code == 0
    name, number, *_ = shown.split()
    assert name == "label"
    assert 25 < float(number) < 346
    assert len(number.replace(".", "")) <= 6


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Path]:
    """Files of a bar and a disc, in each format that is asked as it is."""
    draw, found = random.Random(5), {}
    for label, ending, kind in (
        ("bar", "png", "PNG"),
        ("disc", "jpg", "JPEG"),
        ("disc", "jpeg", "JPEG"),
        ("bar", "WEBP", "WEBP"),
    ):
        found[ending] = tmp_path / f"{label}.{ending}"
        found[ending].write_bytes(encoded(drawing(label, draw), kind))
    return found


def test_pictures_are_asked_by_their_files(predict: Type, pictures: dict[str, Path]) -> None:
    code, shown = predict(*pictures.values(), of=SHAPES)
    assert code == 0
    lines = [line.split() for line in shown.splitlines()]
    assert [Path(path).name for *_, path in lines] == [path.name for path in pictures.values()]
    assert all(label in LABELS and 1 / 3 < float(score) <= 1 for label, score, _ in lines)
    assert len({score for _, score, _ in lines}) == len(pictures)
    assert shown == "".join(predict(path, of=SHAPES)[1] for path in pictures.values())


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "WEBP"])
def test_a_picture_s_file_is_sent_as_it_is(predict: Type, pictures: dict[str, Path], ending: str) -> None:
    asked = predict("--file", pictures[ending], of=SHAPES)
    assert asked == predict(pictures[ending], of=SHAPES)
    code, shown = predict("--file", pictures[ending], "--top", "3", of=SHAPES)
    assert code == 0
    assert all(label in shown for label in LABELS)
    assert shown.startswith(asked[1].split()[0])


def test_what_is_no_picture_is_said(predict: Type, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    for given in ([tmp_path / "notes.png"], ["--file", tmp_path / "notes.png"]):
        code, shown = predict(*given, of=SHAPES)
        assert code == 2
        assert "it is no picture of a format that is read" in shown
    code, shown = predict("a warm, funny film", of=SHAPES)
    assert (code, "a warm, funny film cannot be read" in shown) == (2, True)
