"""The job on pictures of shapes: it learns, serves what it trained, resumes to the same bits, and refuses in words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import BertConfig, BertModel, ViTConfig, ViTForImageClassification, pipeline

import tasks
from domain import artifact, metrics
from domain.errors import BaseModelUnavailable, BaseModelUnfit, NotFinite, ParityFailed, TrainingError
from serving.loading import load
from tasks.image.manifest import Reading
from tasks.image.training.export import prove
from tasks.image.training.pictures import Pictures
from tests.tasks.image.conftest import Trained
from tests.tasks.image.jobs import LABELS, new_job, run, shapes
from tests.training import launched
from tests.training.job import ROOT
from training import checkpoints


def test_it_learns(trained: Trained) -> None:
    found = trained.job.metrics()
    assert found["served"]["accuracy"] > 0.6, "chance is a third"
    assert found["rows"]["train"] == 96
    losses = [point["loss"] for point in found["curves"] if "loss" in point]
    assert losses[-1] < losses[0]
    assert found["steps"] == 36


def test_the_manifest_says_what_it_was_made_of(trained: Trained) -> None:
    manifest = json.loads(trained.job.made(artifact.MANIFEST).read_bytes())
    sums = manifest.pop("sha256")
    assert manifest == {
        "format": 1,
        "task": "image",
        "run": trained.job.arguments["run_id"],
        "dataset": trained.job.arguments["dataset_id"],
        "base_model": None,
        "base_revision": None,
        "features": ["image"],
        "labels": [*LABELS],
        "image_size": 32,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    assert sums == {
        name: hashlib.sha256(trained.job.made(name).read_bytes()).hexdigest()
        for name in ("model.onnx", "model.onnx.data", "metrics.json")
    }


def test_its_log_holds_every_metric(trained: Trained) -> None:
    last = {}
    for definition in metrics.definitions(tasks.measures("image")):
        if values := re.findall(definition["Regex"], trained.log):
            last[definition["Name"]] = float(values[-1])
        else:
            assert definition["Name"] == "parity:int8_agreement", "nothing is quantized"
    assert last["progress"] == 1
    assert last["served:accuracy"] == pytest.approx(trained.job.metrics()["served"]["accuracy"], abs=1e-5)
    assert last["parity:onnx_difference"] <= 1e-4


def test_people_get_a_model_that_transformers_pipeline_answers_with_as_the_endpoint_does(trained: Trained) -> None:
    classify = pipeline("image-classification", model=str(trained.checkpoint), device="cpu", use_fast=False)
    rows = [row["features"] for row in shapes(30, seed=9)]
    for row, served in zip(rows, trained.predictor.best(rows), strict=True):
        best, *_ = classify(Image.open(io.BytesIO(base64.b64decode(row["image"]))).convert("RGB"))
        assert (best["label"], best["score"]) == (served.label, pytest.approx(served.score, abs=1e-5))


@pytest.mark.slow
def test_a_killed_run_ends_with_the_bits_of_one_that_never_was(trained: Trained, tmp_path: Path) -> None:
    """Of varied pictures, in the middle of the second epoch."""
    job = new_job(tmp_path)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.training.killed", "sealed.json.partial", "16", *job.argv],
        cwd=ROOT,
        env=job.environment,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    newest = checkpoints.newest(job.checkpoints, job.arguments["run_id"], 1)
    assert newest is not None
    assert newest.name == "checkpoint-15"
    assert "starting from checkpoint-15" in run(job)
    assert job.weights() == trained.job.weights()
    for name in ("model.onnx", "model.onnx.data"):
        assert job.made(name).read_bytes() == trained.job.made(name).read_bytes()


@pytest.mark.slow
def test_two_processes_train_together_and_end_together(tmp_path: Path) -> None:
    """Each sees half of a batch's pictures; the first packages what both have learned."""
    job = new_job(tmp_path, batch_size=4)
    launched.run(job, 2)
    found = job.metrics()
    assert found["steps"] == 36, "as many as one process makes of batches twice as large"
    assert found["served"]["accuracy"] > 0.6, "chance is a third"
    newest = checkpoints.newest(job.checkpoints, job.arguments["run_id"], 2)
    assert newest is not None
    assert newest.name == "checkpoint-36"
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= {path.name for path in newest.iterdir()}
    assert load(job.root / "model").best([shapes(1, seed=2)[0]["features"]])[0].label in LABELS


def test_no_picture_is_learned_from_alone(tmp_path: Path) -> None:
    """Of 16 pixels this network leaves one: batch normalization cannot learn from one picture of that."""
    job = new_job(tmp_path, train=25, image_size=16, epochs=1)
    run(job)
    assert job.metrics()["steps"] == 4


def test_what_is_varied_learns_something_else(trained: Trained, tmp_path: Path) -> None:
    job = new_job(tmp_path, augmentation="none", epochs=1)
    run(job)
    assert job.weights() != trained.job.weights()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny vision transformer, with a head for other labels."""
    into = tmp_path_factory.mktemp("base")
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ViTForImageClassification(config).save_pretrained(into)
    means = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (into / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, **means}))
    return into


def test_a_base_model_brings_what_it_is_normalized_by(base: Path, tmp_path: Path) -> None:
    job = new_job(tmp_path, base_model="s3://bucket/base/", base_revision=None, epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SM_CHANNEL_BASE", str(base))
        run(job)
    manifest = json.loads(job.made("manifest.json").read_bytes())
    assert (manifest["image_mean"], manifest["image_std"]) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert manifest["base_model"] == "s3://bucket/base/"
    assert job.metrics()["parity"]["onnx_difference"] <= 1e-4
    assert load(tmp_path / "model").best([shapes(1, seed=2)[0]["features"]])[0].label in LABELS


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **values}))


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def of_texts(folder: Path) -> None:
    config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertModel(config).save_pretrained(folder)


def with_a_weight_that_is_no_number(folder: Path) -> None:
    model = ViTForImageClassification.from_pretrained(folder)
    with torch.no_grad():
        model.vit.embeddings.cls_token[0, 0, 3] = float("nan")
    model.save_pretrained(folder)


def with_two_means(folder: Path) -> None:
    edit(folder / "preprocessor_config.json", image_mean=[0.5, 0.5])


def with_no_deviation(folder: Path) -> None:
    edit(folder / "preprocessor_config.json", image_std=[0.5, 0, 0.5])


@pytest.mark.parametrize(
    ("change", "size", "error", "says"),
    [
        (None, 48, BaseModelUnfit, "cannot see pictures of 48 x 48 pixels"),
        (without_weights, 32, BaseModelUnavailable, "cannot load base model"),
        (of_texts, 32, BaseModelUnavailable, "cannot load base model"),
        (with_a_weight_that_is_no_number, 32, NotFinite, "vit.embeddings.cls_token"),
        (with_two_means, 32, BaseModelUnfit, "no mean and deviation of three colours"),
        (with_no_deviation, 32, BaseModelUnfit, "an image_std of 0"),
    ],
)
def test_a_base_model_that_cannot_be_trained_is_refused(
    change: Callable[[Path], None] | None,
    size: int,
    error: type[TrainingError],
    says: str,
    base: Path,
    tmp_path: Path,
) -> None:
    copy = tmp_path / "base"
    shutil.copytree(base, copy)
    if change:
        change(copy)
    job = new_job(tmp_path / "job", copy, train=12, image_size=size)
    with pytest.raises(error, match=re.escape(says)):
        run(job)
    assert job.failure.startswith(f"{error.__name__}: ")


def test_a_graph_of_another_model_fails_the_job(trained: Trained, base: Path) -> None:
    reading = Reading.of(trained.predictor.manifest)
    texts = [row["features"]["image"] for row in shapes(4, seed=4)]
    pictures = Pictures(texts, [0, 1, 2, 0], 32)
    graph = trained.folder / "model.onnx"
    assert prove(trained.checkpoint, graph, reading, pictures).onnx_difference < 1e-5
    for other in ({"image_mean": (0.4, 0.5, 0.5)}, {"image_std": (0.5, 0.5, 0.6)}):
        with pytest.raises(ParityFailed, match="ONNX logits differ"):
            prove(trained.checkpoint, graph, Reading(**{**vars(reading), **other}), pictures)
