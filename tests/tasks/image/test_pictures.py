"""How pictures are varied while they are learned from: the same ones in the same epoch, and no others."""

from __future__ import annotations

import numpy as np
import torch

from tasks.image.training.pictures import Batch, Normalized, Pictures, varied
from tests.tasks.image.jobs import shapes

TEXTS = [row["features"]["image"] for row in shapes(6, seed=5)]
LABELS = [0, 1, 2, 0, 1, 2]
ROWS = range(len(TEXTS))


def of_epoch(pictures: Pictures, epoch: int) -> list[np.ndarray]:
    return [row["pixel_values"] for row in pictures.__getitems__([epoch * len(TEXTS) + row for row in ROWS])]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all((a == b).all() for a, b in zip(one, other, strict=True))


def test_a_picture_is_varied_by_its_epoch_and_seed_alone() -> None:
    shifted = Pictures(TEXTS, LABELS, 56, augmentation="shift", seed=1)
    first = of_epoch(shifted, 0)
    assert not same(first, of_epoch(shifted, 1))
    assert same(first, of_epoch(shifted, 0))
    assert same(first, of_epoch(Pictures(TEXTS, LABELS, 56, augmentation="shift", seed=1), 0))
    assert not same(first, of_epoch(Pictures(TEXTS, LABELS, 56, augmentation="shift", seed=2), 0))
    assert same([first[3]], [shifted[3]["pixel_values"]])


def test_validation_sees_them_as_they_are() -> None:
    plain = Pictures(TEXTS, LABELS, 56)
    assert same(of_epoch(plain, 0), [plain.seen(row) for row in ROWS])
    assert same(of_epoch(plain, 0), of_epoch(plain, 3))


def test_pictures_that_are_too_many_to_keep_are_decoded_to_the_same_pixels() -> None:
    kept, decoded = (
        Pictures(TEXTS, LABELS, 56, augmentation="flip", seed=1, kept_bytes=most) for most in (2**20, 1000)
    )
    assert same(of_epoch(kept, 2), of_epoch(decoded, 2))


def test_a_shift_moves_and_only_flip_mirrors() -> None:
    picture = np.zeros((28, 28, 3), np.uint8)
    picture[10:14, 5:9] = 255
    draw = np.random.default_rng(1)

    def places(mirrored: bool) -> list[tuple[int, int]]:
        found = [varied(picture, draw, mirrored).nonzero() for _ in range(200)]
        assert {len(rows) for rows, *_ in found} == {4 * 4 * 3}
        return [(int(rows.min()), int(columns.min())) for rows, columns, _ in found]

    assert set(places(False)) == {(10 + down, 5 + right) for down in range(-2, 3) for right in range(-2, 3)}
    left = [column for _, column in places(True)]
    assert {*range(3, 8), *range(17, 22)} == set(left)
    assert 0.3 < np.mean([column < 10 for column in left]) < 0.7


def test_the_edge_fills_what_a_shift_uncovers() -> None:
    picture = np.full((28, 28, 3), 200, np.uint8)
    assert (varied(picture, np.random.default_rng(0), mirrored=False) == 200).all()


def test_a_batch_is_normalized_as_transformers_does() -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    pictures = Pictures(TEXTS, LABELS, 40)
    batch = Batch(Normalized(mean, std))(pictures.__getitems__(ROWS))
    assert batch["labels"].tolist() == LABELS
    scaled = np.stack([pictures.seen(row) for row in ROWS]) / 255
    expected = ((scaled - mean) / std).transpose(0, 3, 1, 2)
    torch.testing.assert_close(batch["pixel_values"], torch.tensor(expected, dtype=torch.float32), rtol=0, atol=1e-6)
