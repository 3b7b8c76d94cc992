"""How an image classifier answers requests and rows (`tasks/contract.py`)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from domain.artifact import MODEL, Manifest
from tasks.contract import Prediction
from tasks.formats import ClientError, write
from tasks.image.manifest import Reading
from tasks.image.model import PictureModel, Pixels, graph
from tasks.image.picture import PictureRefused, canonical, pixels, size
from tasks.image.requests import Asked, parse

# Of a request: some seconds of work, in which others wait.
MOST_PIXELS: Final = 100_000_000


class Predictor:
    """A model behind requests."""

    def __init__(self, model: PictureModel, manifest: Manifest) -> None:
        self.manifest = manifest
        self._model = model
        self._side = model.reading.image_size
        (self._feature,) = manifest.features
        # A picture of the most pixels takes up to 820 MB while it is made canonical: one at a time, whoever asks.
        self._one = Lock()

    def respond(self, content_type: str, body: bytes, media_type: str) -> tuple[bytes, dict[str, object]]:
        """Labels for each picture."""
        invocation = parse(content_type, body)
        # All are looked at before the first is read, and read before it is answered: what is wrong is said at once.
        if sum(self._size(picture) for picture in invocation.pictures) > MOST_PIXELS:
            raise ClientError(413, f"the pictures have over {MOST_PIXELS:,} pixels together: make them smaller")
        pictures = [self._read(picture) for picture in invocation.pictures]
        answers = self._model.answer(pictures, lambda picture: picture, invocation.top_k)
        return write(answers, invocation.single, media_type), {}

    def best(self, rows: Sequence[Mapping[str, str]]) -> list[Prediction]:
        """The likeliest label of each row, with its probability."""
        return [first for first, *_ in self._model.answer(rows, self._pixels)]

    def ping(self) -> None:
        """Look at a black picture."""
        self._model.answer([np.zeros((self._side, self._side, 3), np.uint8)], lambda picture: picture)

    def _pixels(self, row: Mapping[str, str]) -> Pixels:
        # A row's picture is canonical already: it was made so when it was dropped.
        return pixels(base64.b64decode(row[self._feature]), self._side)

    def _size(self, picture: Asked) -> int:
        try:
            return size(picture.content)
        except PictureRefused as error:
            raise ClientError(400, f"{picture.place}: {error}") from None

    def _read(self, picture: Asked) -> Pixels:
        try:
            with self._one:
                content = canonical(picture.content).content
            return pixels(content, self._side)
        except PictureRefused as error:
            raise ClientError(400, f"{picture.place}: {error}") from None


def load(folder: Path, manifest: Manifest, verify: Callable[[], None], threads: int) -> Predictor:
    """The predictor of an unpacked artifact."""
    reading = Reading.of(manifest)
    with ThreadPoolExecutor(1) as aside:
        # Neither holds the interpreter's lock for long.
        loading = aside.submit(graph, folder / MODEL)
        # First to be heard: a file that is not the manifest's own explains best why it does not load.
        verify()
    return Predictor(PictureModel(loading.result(), reading, threads), manifest)
