"""The model of images that every server of the bench answers with: ResNet-18's size, random weights.

How long an answer takes does not depend on what the weights are, and no hub is needed this way. Export and packing are
the training's own, so the artifact is of the kind that is served.
"""

from __future__ import annotations

import io
import json
import random
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from PIL import Image
from transformers import ResNetConfig, ResNetForImageClassification

from bench.environments import anew
from domain.artifact import MODEL, WEIGHTS, Manifest
from tasks.image.manifest import Reading
from tasks.image.train import preprocessor
from tasks.image.training.export import export
from training.package import write_artifact

LABELS: Final = tuple(f"label {number}" for number in range(10))
SIDE: Final = 224
# Width and height of what is asked, as most of ImageNet's pictures have.
PICTURE: Final = (500, 375)
_MIDDLE: Final = (0.5, 0.5, 0.5)
_QUALITY: Final = 90


@dataclass(frozen=True)
class ImageModel:
    """The same model twice: a transformers checkpoint, and the artifact's unpacked files."""

    checkpoint: Path
    artifact: Path


def image_model() -> ImageModel:
    """The model below .cache/bench/image, made anew: it takes seconds."""
    folder = anew("image")
    model, reading = ImageModel(folder / "checkpoint", folder / "artifact"), Reading(LABELS, SIDE, _MIDDLE, _MIDDLE)
    # Of microsoft/resnet-18: 11 million parameters.
    config = ResNetConfig(
        embedding_size=64,
        hidden_sizes=[64, 128, 256, 512],
        depths=[2, 2, 2, 2],
        layer_type="basic",
        id2label=dict(enumerate(LABELS)),
        label2id={name: number for number, name in enumerate(LABELS)},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ResNetForImageClassification(config).save_pretrained(model.checkpoint)
    (model.checkpoint / "preprocessor_config.json").write_text(json.dumps(preprocessor(reading)))
    graph = export(model.checkpoint, reading, folder)
    weights = graph.with_name(WEIGHTS)
    files = {MODEL: graph, **({WEIGHTS: weights} if weights.exists() else {})}
    manifest = Manifest("image", "bench", "bench", "resnet-18", "random", ("image",), reading.to_json())
    write_artifact(model.artifact, files, manifest, {})
    return model


def requests(pictures_each: int, number: int) -> list[bytes]:
    """The bodies of `number` requests with so many made-up photographs each: JPEG in base64."""
    draw = random.Random(0)
    return [
        json.dumps({"inputs": [b64encode(_photograph(draw)).decode() for _ in range(pictures_each)]}).encode()
        for _ in range(number)
    ]


def _photograph(draw: random.Random) -> bytes:
    """Soft spots of colour with some noise over them, which JPEG packs as it packs photographs: some 50 KB."""
    spots = Image.frombytes("RGB", (8, 6), draw.randbytes(8 * 6 * 3)).resize(PICTURE, Image.Resampling.BICUBIC)
    noise = Image.frombytes("RGB", PICTURE, draw.randbytes(3 * PICTURE[0] * PICTURE[1]))
    body = io.BytesIO()
    Image.blend(spots, noise, 0.08).save(body, "JPEG", quality=_QUALITY)
    return body.getvalue()
