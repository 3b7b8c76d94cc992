"""The job of images does with what the job of texts has, and Pillow."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LACKING = ("aws_cdk", "boto3", "pydantic", "timm", "torchvision", "zlib_ng")
IMPORT = f"""
import sys

sys.modules.update(dict.fromkeys({LACKING!r}))
import tasks.image.train, tasks.image.training.export, training.train
from transformers import AutoModelForImageClassification, MobileNetV2Config, ResNetConfig, ViTConfig

for config in (MobileNetV2Config(), ResNetConfig(), ViTConfig(num_hidden_layers=1)):
    AutoModelForImageClassification.from_config(config)
"""


def test_the_job_does_without() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
