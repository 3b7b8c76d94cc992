"""Lays out a training job as SageMaker does, and runs it: in this process, or under AWS's own toolkit."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.data.records import row_id
from domain.hyperparameters import of_run
from local.sagemaker.image import PATH

ROOT = Path(__file__).resolve().parents[2]
DATASET = "0123456789ab"
GOOD, BAD = ("good", "great", "fine", "love"), ("bad", "awful", "dull", "hate")
FILLER = ("the", "a", "was", "it", "this", "film", "movie", "plot", "and", "very")

Rows = list[dict[str, Any]]


def row(text: str, label: str) -> dict[str, Any]:
    features = {"text": text}
    return {"id": row_id(features), "features": features, "label": label}


def reviews(count: int, seed: int, good: float = 0.5) -> Rows:
    """`count` different short reviews, that share `good` of them praising."""
    draw = random.Random(seed)
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < count:
        praising = draw.random() < good
        words = draw.choices(FILLER, k=draw.randint(2, 18)) + draw.choices(GOOD if praising else BAD, k=2)
        draw.shuffle(words)
        item = row(" ".join(words), "praise" if praising else "blame")
        rows[item["id"]] = item
    return list(rows.values())


# So short a time that each step is followed by a checkpoint.
ALWAYS = 1e-9

# The hyperparameters of a text classifier.
TUNING = {
    "epochs": 3,
    "batch_size": 8,
    "learning_rate": 2e-3,
    "max_length": 32,
    "seed": 7,
    "warmup_ratio": 0.1,
    "weight_decay": 0.01,
    "patience": 5,
    "checkpoint_minutes": ALWAYS,
    "int8_min_agreement": 0.9,
}


@dataclass(frozen=True)
class Job:
    """One training job's /opt/ml."""

    root: Path
    base: Path | None
    hyperparameters: dict[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "run_id": "1e2345678901",
            "dataset_id": DATASET,
            "base_model": str(self.base) if self.base else None,
            "base_revision": "" if self.base else None,
            "task": "text",
            "features": ("text",),
            **(TUNING if self.hyperparameters.get("task", "text") == "text" else {}),
            **self.hyperparameters,
        }

    @property
    def words(self) -> dict[str, str]:
        """The hyperparameters as CreateTrainingJob takes them."""
        given = self.arguments
        names = {name: json.dumps(given.pop(name)) for name in ("run_id", "dataset_id")}
        written = {name: given.pop(name) for name in ("base_model", "base_revision", "features")}
        return names | of_run(given.pop("task"), given, **written)

    @property
    def argv(self) -> list[str]:
        """The command line that the toolkit makes of them."""
        return [text for key, word in self.words.items() for text in (f"--{key}", str(json.loads(word)))]

    @property
    def environment(self) -> dict[str, str]:
        # One thread, as in this process (conftest.py): bits depend on their number, and so small a model needs no more.
        return {"SAGEMAKER_BASE_DIR": str(self.root), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}

    @property
    def home(self) -> Path:
        """The user's directory of the toolkit, empty at first."""
        return self.root / "home"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def failure(self) -> str:
        return (self.root / "output" / "failure").read_text(encoding="utf-8")

    def made(self, name: str) -> Path:
        return self.root / "model" / name

    def weights(self) -> bytes:
        return (self.root / "output" / "data" / "checkpoint" / "model.safetensors").read_bytes()

    def metrics(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.made("metrics.json").read_bytes())
        return loaded


def lay_out(
    root: Path,
    sources: Mapping[str, Mapping[str, Rows]],
    test_ids: Sequence[str] = (),
    **more: object,
) -> None:
    """Write the channels of a version whose `sources` (name to split to rows) are given in fold order.

    Keyword arguments are further values of its manifest.
    """
    data = root / "input" / "data"
    for source, splits in sources.items():
        for split in ("train", "validation"):
            lines = [json.dumps(item) for item in splits.get(split, [])]
            write_gzip(data / split / f"{source}.jsonl.gz", lines)
        write_gzip(data / "dataset" / "parts" / "ids" / f"{source}.txt.gz", list(test_ids))
    manifest = data / "dataset" / "versions" / DATASET / "manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {"source": name, "rows": {split: len(splits.get(split, [])) for split in ("train", "validation", "test")}}
        for name, splits in sources.items()
    ]
    manifest.write_text(json.dumps({"dataset": DATASET, "epoch": 1, "sources": entries, "labels": [], **more}))


def write_gzip(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)


def sourcedir(into: Path) -> Path:
    """The code as it is uploaded: training/, domain/, tasks/ and requirements.txt at the root."""
    archive = into / "sourcedir.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for package in ("training", "domain", "tasks"):
            for file in sorted((ROOT / package).rglob("*.py")):
                tar.add(file, file.relative_to(ROOT))
        tar.add(ROOT / "tasks" / "text" / "requirements-train.txt", "requirements.txt")
    return archive


def run_toolkit(job: Job, archive: Path) -> subprocess.CompletedProcess[str]:
    """Run the job with the `train` command of AWS's training images."""
    own = {
        "sagemaker_program": "training/train.py",
        "sagemaker_submit_directory": str(archive),
        "sagemaker_container_log_level": 20,
        "sagemaker_region": "us-east-1",
    }
    config = job.root / "input" / "config"
    config.mkdir(parents=True)
    files = {
        "hyperparameters": {**job.words, **{key: json.dumps(value) for key, value in own.items()}},
        "resourceconfig": {"current_host": "localhost", "hosts": ["localhost"], "network_interface_name": "lo"},
        "inputdataconfig": {
            channel: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
            for channel in ("train", "validation", "dataset")
        },
    }
    for name, value in files.items():
        (config / f"{name}.json").write_text(json.dumps(value))
    for name in ("code", "home", "model", "output/data"):
        (job.root / name).mkdir(parents=True)
    environment = {
        **job.environment,
        # The image's: pip asks any Rust that it finds for its version, and that may keep settings at home.
        "PATH": f"{Path(sys.executable).parent}:{PATH}",
        "HOME": str(job.home),
        "SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main",
        # Installing requirements.txt finds every pin in place: pip asks nobody, unless for its own newest version.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return subprocess.run(
        [str(Path(sys.executable).parent / "train")],
        cwd=job.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
