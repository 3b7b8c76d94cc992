"""The servers that are measured beside one another: ours as its image has it, and what people use instead."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.census import SCHEMA
from bench.client import FIRST
from bench.environments import CACHE, environment, serving_image
from ops.bootstrap import ROOT
from serving.manifest import read_manifest

if TYPE_CHECKING:
    from bench.image_model import ImageModel
    from bench.model import Model
    from bench.table_model import TableModel

OURS: Final = "ours (int8)"
TOOLKIT: Final = "HuggingFace toolkit"
FASTAPI: Final = "FastAPI + pipeline"
OPTIMUM: Final = "optimum-onnx"
OURS_IN_FULL: Final = "ours (ONNX)"
SKLEARN: Final = "FastAPI + scikit-learn"
SKLEARN_ALONE: Final = "the same without pandas"
_PROGRAMS: Final = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Contender:
    """A server: `command`, in which "{port}" stands for the port, its variables, and the folders it reads at start.

    `first` is the body of the request by which its start is measured: a text's, unless it answers others.
    """

    name: str
    command: tuple[str, ...]
    reads: tuple[Path, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    first: bytes = FIRST


def contenders(model: Model, cpus: int = 1) -> tuple[list[Contender], list[str]]:
    """Ours first, then the baselines that this machine can run; and what to say of those that it cannot.

    `cpus`: how many of them the toolkit has workers for.
    """
    found, missing = [ours(model.artifact), *_pipelines(model)], []
    if shutil.which("java"):
        found.append(_toolkit(model, cpus))
    else:
        missing.append(f"{TOOLKIT}: skipped, multi-model-server needs Java and there is none on this machine")
    return found, missing


def table_contenders(model: TableModel, first: bytes) -> list[Contender]:
    """Servers of the same trees, ours first; `first` is the body of a request."""
    program = str(_PROGRAMS / "table.py")
    found = [ours(model.artifact, OURS_IN_FULL, first)]
    for name, packages, kind, pipeline in (
        (SKLEARN, "sklearn-pandas", "frames", model.frames),
        (SKLEARN_ALONE, "sklearn", "arrays", model.arrays),
    ):
        folder = environment(packages)
        command = (str(folder / "bin" / "python"), program, "{port}", str(pipeline), kind, json.dumps(SCHEMA))
        found.append(Contender(name, command, (folder, pipeline.parent), first=first))
    return found


def image_contenders(model: ImageModel, first: bytes) -> list[Contender]:
    """Servers of the same network, ours first; `first` is the body of a request."""
    folder = environment("fastapi-images")
    command = (str(folder / "bin" / "python"), str(_PROGRAMS / "image.py"), "{port}", str(model.checkpoint))
    theirs = Contender(FASTAPI, command, (folder, model.checkpoint), first=first)
    return [ours(model.artifact, OURS_IN_FULL, first), theirs]


def ours(artifact: Path, name: str = OURS, first: bytes = FIRST) -> Contender:
    """The project's server of an unpacked artifact, with the packages, bytecode and variables of `serving/Dockerfile`.

    Raises ArtifactError if it cannot be read.
    """
    image = serving_image(read_manifest(artifact).task)
    variables = dict(re.findall(r"^(?:ENV)? +([A-Z_]+)=(\S+)", (ROOT / "serving" / "Dockerfile").read_text(), re.M))
    return Contender(
        name,
        # -S: as in the image, nothing of an environment's site-packages.
        (sys.executable, "-S", "-m", "serving"),
        (image, artifact),
        variables | {"PYTHONPATH": str(image), "HOST": "127.0.0.1", "PORT": "{port}", "MODEL_DIR": str(artifact)},
        first,
    )


def _pipelines(model: Model) -> list[Contender]:
    folder = environment("fastapi")
    python, program = str(folder / "bin" / "python"), str(_PROGRAMS / "pipeline.py")
    exported = model.checkpoint.with_name("optimum")
    if not (exported / "tokenizer.json").exists():
        subprocess.run([python, program, "export", str(model.checkpoint), str(exported)], check=True)
    return [
        Contender(FASTAPI, (python, program, "{port}", str(model.checkpoint), "torch"), (folder, model.checkpoint)),
        Contender(OPTIMUM, (python, program, "{port}", str(exported), "onnx"), (folder, exported)),
    ]


def _toolkit(model: Model, workers: int) -> Contender:
    folder, base = environment("huggingface"), CACHE / "toolkit"
    base.mkdir(exist_ok=True)
    if not (base / "model").exists():
        (base / "model").symlink_to(model.checkpoint)
    variables = {
        # It starts multi-model-server, which starts Java and Python, by their names.
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_PORT": "{port}",
        # Its default is one per CPU of the machine; each takes one CPU and 0.6 GB.
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(workers),
        "HF_TASK": "text-classification",
        "LOG_LOCATION": str(base / "logs"),
        "METRICS_LOCATION": str(base / "logs"),
        "TEMP": str(base),
    }
    command = (str(folder / "bin" / "python"), str(_PROGRAMS / "toolkit.py"), str(base))
    return Contender(TOOLKIT, command, (folder, model.checkpoint), variables)
