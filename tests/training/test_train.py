"""The whole job on small data: what it leaves behind, what it says, and how it fails."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
import torch
from huggingface_hub import configure_http_backend
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import tasks
from domain import artifact, metrics
from domain.errors import BaseModelUnavailable, GpuMissing, HubUnreachable, NoTrainingRows
from tests.text_model import load
from tests.training.conftest import NewJob
from tests.training.job import ROOT, Job, lay_out, reviews, run_toolkit, sourcedir
from training.train import main


@pytest.fixture(scope="module")
def toolkit_job(new_job: NewJob, tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, str]:
    """A job that AWS's toolkit ran to its end, and its log."""
    job = new_job(epochs=8, learning_rate=3e-3)
    result = run_toolkit(job, sourcedir(tmp_path_factory.mktemp("code")))
    assert result.returncode == 0, result.stdout
    return job, result.stdout


def test_it_leaves_nothing_at_home(toolkit_job: tuple[Job, str]) -> None:
    """No cache, and no identity that a library would report under. It ran without CI, which turns telemetry off."""
    job, log = toolkit_job
    assert list(job.home.rglob("*")) == []
    assert "Installing dependencies from requirements.txt" in log
    assert "Successfully installed" not in log


def test_the_toolkit_runs_it(toolkit_job: tuple[Job, str]) -> None:
    job, _ = toolkit_job
    assert (job.root / "output" / "success").exists()
    assert not (job.root / "output" / "failure").exists()
    assert sorted(path.name for path in (job.root / "model").iterdir()) == [
        "manifest.json",
        "metrics.json",
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
    ]
    assert {path.name for path in (job.root / "output" / "data").iterdir()} == {"checkpoint", "curves.json"}


def test_it_learns(toolkit_job: tuple[Job, str]) -> None:
    job, _ = toolkit_job
    found = job.metrics()
    assert found["validation"]["macro_f1"] > 0.85
    assert found["served"]["accuracy"] > 0.85
    assert found["rows"]["train"] == 96
    losses, validations = ([point for point in found["curves"] if key in point] for key in ("loss", "validation_loss"))
    assert losses[-1]["loss"] < losses[0]["loss"]
    assert validations[-1]["step"] == losses[-1]["step"] == found["steps"]


def test_the_manifest_says_what_it_was_made_of(toolkit_job: tuple[Job, str]) -> None:
    job, _ = toolkit_job
    manifest = json.loads(job.made(artifact.MANIFEST).read_bytes())
    sums = manifest.pop("sha256")
    assert manifest == {
        "format": 1,
        "task": "text",
        "labels": ["blame", "praise"],
        "run": job.arguments["run_id"],
        "dataset": job.arguments["dataset_id"],
        "base_model": str(job.base),
        "base_revision": "",
        "max_length": 32,
        "features": ["text"],
        "inputs": ["input_ids", "attention_mask", "token_type_ids"],
        "quantization": "int8-dynamic-per-channel",
        "reduce_range": True,
    }
    assert sums == {
        name: hashlib.sha256(job.made(name).read_bytes()).hexdigest()
        for name in ("model.onnx", "model.onnx.data", "tokenizer.json", "metrics.json")
    }


def test_serving_says_what_the_trained_model_says(toolkit_job: tuple[Job, str]) -> None:
    """Through the artifact's own tokenizer and graph, on new texts, one of them longer than the model reads."""
    job, _ = toolkit_job
    texts = [item["features"]["text"] for item in reviews(60, seed=99)] + ["a very fine plot " * 30]
    predictor = load(job.root / "model")
    saved = job.root / "output" / "data" / "checkpoint"
    tokenizer = AutoTokenizer.from_pretrained(saved)
    model = AutoModelForSequenceClassification.from_pretrained(saved).eval()
    with torch.inference_mode():
        encoded = [tokenizer(text, truncation=True, max_length=32, return_tensors="pt") for text in texts]
        expected = torch.stack([model(**item).logits[0].softmax(-1) for item in encoded]).numpy()
    scores = predictor.scores(texts)
    assert scores == pytest.approx(expected, abs=0.1)
    assert (scores.argmax(1) == expected.argmax(1)).mean() >= 0.95
    assert predictor.truncated(texts)[-1]


def test_its_log_holds_every_metric(toolkit_job: tuple[Job, str]) -> None:
    job, log = toolkit_job
    last = {}
    for definition in metrics.definitions(tasks.measures("text")):
        values = re.findall(definition["Regex"], log)
        assert values, definition
        last[definition["Name"]] = float(values[-1])
    assert last["progress"] == 1
    assert last["served:accuracy"] == pytest.approx(job.metrics()["served"]["accuracy"], abs=1e-5)
    assert last["parity:onnx_difference"] <= 1e-4


def test_a_failed_parity_fails_the_job_and_says_why(new_job: NewJob, tmp_path: Path) -> None:
    job = new_job(epochs=1, int8_min_agreement=1.01)
    result = run_toolkit(job, sourcedir(tmp_path))
    assert result.returncode != 0
    assert not (job.root / "output" / "success").exists()
    assert job.failure.startswith("ParityFailed: the int8 model agrees with fp32 on ")
    assert "int8_min_agreement = 101.00%" in job.failure
    assert list((job.root / "model").iterdir()) == []


def test_an_empty_split_fails_with_its_reason(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, {"one": {"validation": reviews(4, seed=1)}})
    job = Job(tmp_path, base)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    with pytest.raises(NoTrainingRows):
        main(job.argv)
    assert job.failure.startswith("NoTrainingRows: dataset 0123456789ab has no row to train on")


@pytest.mark.parametrize(
    ("base_model", "revision", "says"),
    [
        ("s3://bucket/base/", "", "should have come as channel 'base'"),
        ("distilbert/distilbert-base-uncased", "", "pin its base_revision"),
        ("/usr", "", "Set training.base_model and base_revision to a model that is there"),
    ],
)
def test_a_base_model_that_cannot_be_had(
    base_model: str, revision: str, says: str, new_job: NewJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job(base_model=base_model, base_revision=revision)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    with pytest.raises(BaseModelUnavailable, match=says):
        main(job.argv)
    assert job.failure.startswith("BaseModelUnavailable: ")


@pytest.fixture
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The hub's own switch for "do not even try". Its client reads it once for each session: new ones, twice."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    configure_http_backend()
    yield
    configure_http_backend()


@pytest.mark.usefixtures("no_hub")
def test_a_hub_that_does_not_answer_is_another_matter(new_job: NewJob, monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job(
        base_model="distilbert/distilbert-base-uncased", base_revision="12040accade4e8a0f71eabdb258fecc2e7e948be"
    )
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    with pytest.raises(HubUnreachable, match="no way to the hub"):
        main(job.argv)
    assert job.failure.startswith("HubUnreachable: ")


def test_the_base_channel_goes_before_the_name(new_job: NewJob, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job(base_model="s3://bucket/base/", epochs=1)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    monkeypatch.setenv("SM_CHANNEL_BASE", str(base))
    main(job.argv)
    assert json.loads(job.made("manifest.json").read_bytes())["base_model"] == "s3://bucket/base/"


def test_a_gpu_that_pytorch_cannot_use_fails_at_once(new_job: NewJob, monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job()
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    monkeypatch.setenv("SM_NUM_GPUS", "1")
    # A machine of which PyTorch sees no GPU, also where this test runs on one with a GPU.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(GpuMissing, match="has 1 GPU"):
        main(job.argv)


def test_it_needs_nothing_of_the_pipeline() -> None:
    """The training image has none of these, and the tarball no more than training/ and domain/."""
    absent = ["pydantic", "boto3", "botocore", "aws_cdk", "lambdas", "serving", "stacks", "ops", "local", "tests"]
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); import training.train"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_no_module_of_training_hides_another() -> None:
    """Python puts a script's own directory first on its path, so training/x.py would answer `import x`."""
    elsewhere = [path for path in sys.path if path not in ("", str(ROOT))]
    names = [path.stem for path in (ROOT / "training").glob("*.py") if path.stem != "__init__"]
    hidden = [name for name in names if name in sys.stdlib_module_names or PathFinder.find_spec(name, elsewhere)]
    assert hidden == []


def test_nothing_happens_at_import() -> None:
    """Every module but the script's last two lines is imports, definitions and constants."""
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    for path in (ROOT / "training").glob("*.py"):
        for node in ast.parse(path.read_text()).body[1:]:
            is_guard = isinstance(node, ast.If) and re.search("__name__|TYPE_CHECKING", ast.unparse(node.test))
            assert isinstance(node, allowed) or is_guard, f"{path.name}:{node.lineno}"
