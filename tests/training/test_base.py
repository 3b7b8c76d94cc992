"""Base models that cannot be trained as the settings say are refused before the first step, and say what to change."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from domain import errors
from domain.errors import BaseModelUnfit, HubUnreachable, NotFinite, TrainingError
from domain.training_failures import DECIDED
from tasks.text.base_model import positions, too_short
from tests.training.conftest import NewJob
from training.train import main

Change = Callable[[Path], None]


def edit(path: Path, **values: Any) -> None:
    content = json.loads(path.read_bytes())
    content |= values
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def without_tokens_to_pad_with(base: Path) -> None:
    edit(base / "tokenizer_config.json", pad_token=None)
    edit(base / "special_tokens_map.json", pad_token=None)


def with_few_positions(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    name = "embeddings.position_embeddings.weight"
    weights[name] = weights[name][:16].contiguous()
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    edit(base / "config.json", max_position_embeddings=16)


def with_another_tokenizer(base: Path) -> None:
    tokens = [{"id": 10_000 + n, "content": f"[X{n}]", "special": True} for n in range(3)]
    document = json.loads((base / "tokenizer.json").read_bytes())
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    document["added_tokens"] += [{**token, **plain} for token in tokens]
    (base / "tokenizer.json").write_text(json.dumps(document))


def with_a_weight_that_is_no_number(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    weights["encoder.layer.1.output.dense.weight"][3, 5] = float("nan")
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (without_tokens_to_pad_with, BaseModelUnfit, "neither a pad token nor an eos token"),
        (with_few_positions, BaseModelUnfit, "positions for 16 tokens and .*max_length is 32: set that to 16 or less"),
        (with_another_tokenizer, BaseModelUnfit, "its files do not belong together"),
        (with_a_weight_that_is_no_number, NotFinite, r"the first in 'bert\.encoder\.layer\.1\.output\.dense\.weight'"),
    ],
)
def test_an_unfit_base_model_is_refused(
    change: Change,
    error: type[TrainingError],
    says: str,
    base: Path,
    new_job: NewJob,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(base, tmp_path / "base")
    change(tmp_path / "base")
    job = new_job(base_model=str(tmp_path / "base"))
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    with pytest.raises(error, match=says):
        main(job.argv)
    assert job.failure.startswith(f"{error.__name__}: base model ")
    assert not job.checkpoints.exists()


def test_a_loss_that_is_no_number_ends_the_job_at_its_step(new_job: NewJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a rate of learning throws the weights out of what a float holds within a few steps."""
    job = new_job(learning_rate=1e30, warmup_ratio=0.0)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    with pytest.raises(NotFinite, match=r"the loss is (nan|inf) at step \d: lower .*learning_rate \(1e\+30\)"):
        main(job.argv)
    assert not (job.root / "model" / "manifest.json").exists()


def test_no_checkpoint_has_seen_a_loss_that_is_no_number(new_job: NewJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses are logged every 6 steps here: the look before a checkpoint comes first."""
    job = new_job(learning_rate=1e30, warmup_ratio=0.0, batch_size=1)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    with pytest.raises(NotFinite, match="the loss is nan at step 2: "):
        main(job.argv)
    assert [path.name for path in job.checkpoints.iterdir()] == ["checkpoint-1"]


def test_a_last_step_that_breaks_the_weights_ends_the_job(new_job: NewJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own loss was finite, and none comes after it: the validation tells."""
    job = new_job(learning_rate=1e30, warmup_ratio=0.0, batch_size=96, epochs=1)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    with pytest.raises(NotFinite, match=r"the validation loss is (nan|inf) at step 1: "):
        main(job.argv)
    assert not list(job.checkpoints.glob("*"))


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514}, 512),
        ({"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "gpt2", "n_positions": 1024}, 1024),
        ({"model_type": "xlnet"}, None),
        ({"model_type": "deberta", "max_position_embeddings": -1}, None),
    ],
)
def test_how_many_tokens_a_model_has_positions_for(config: dict[str, Any], found: int | None) -> None:
    assert positions(config) == found
    most = found or 512
    assert too_short(config, most) is None
    assert (too_short(config, most + 1) is None) is (found is None)


def test_every_error_but_the_hub_s_ends_a_run_s_attempts() -> None:
    of_training = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TrainingError)}
    assert {*DECIDED} == of_training - {TrainingError, HubUnreachable}
    assert len(DECIDED) == len({*DECIDED})
