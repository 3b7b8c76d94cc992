from __future__ import annotations

import pytest
import torch

from tasks.fine_tuning import FineTuning
from training import learning
from training.arguments import Places
from training.callbacks import is_stalled
from training.learning import ByLength, class_weights, options_for, weighted_loss


def test_weights_only_where_labels_are_imbalanced() -> None:
    assert class_weights([0] * 60 + [1] * 40, 2) is None
    weights = class_weights([0] * 90 + [1] * 10, 2)
    assert weights is not None
    assert weights.tolist() == pytest.approx([100 / 180, 5.0])


def test_weights_leave_the_mean_loss_of_an_even_guess_alone() -> None:
    labels = [0] * 90 + [1] * 10
    logits = torch.zeros(100, 2)
    weighted = weighted_loss(class_weights(labels, 2))({"logits": logits}, torch.tensor(labels))
    assert weighted == pytest.approx(float(torch.log(torch.tensor(2.0))), rel=1e-5)


def test_a_batch_of_one_label_keeps_its_weight() -> None:
    logits = torch.zeros(4, 2)
    loss = weighted_loss(torch.tensor([0.5, 5.0]))
    common, rare = (loss({"logits": logits}, torch.full((4,), label)) for label in (0, 1))
    assert rare == pytest.approx(10 * float(common))


def test_every_epoch_has_each_row_once_in_an_order_of_its_own() -> None:
    done = 0
    sampler = ByLength([3, 9, 4, 8, 5, 7, 6, 1] * 8, batch_size=4, seed=1, steps_done=lambda: done)
    first = list(sampler)
    assert sorted(first) == list(range(64))
    torch.rand(5)
    done = 15
    assert list(sampler) == first, "the epoch of 16 batches is not over"
    done = 16
    assert sorted(sampler) == list(range(64))
    assert list(sampler) != first
    assert list(ByLength(sampler.lengths, 4, seed=2, steps_done=lambda: 0)) != first


@pytest.mark.parametrize(
    ("scores", "patience", "stalled"),
    [
        ([], 1, False),
        ([0.5], 1, False),
        ([0.5, 0.4], 1, True),
        ([0.5, 0.5], 1, True),
        ([0.5, 0.4], 2, False),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.6, 0.4, 0.5], 2, True),
    ],
)
def test_when_training_has_stalled(scores: list[float], patience: int, stalled: bool) -> None:
    history = [entry for score in scores for entry in ({"loss": 1.0}, {"eval_macro_f1": score})]
    assert is_stalled(history, patience) is stalled


@pytest.mark.parametrize(("device", "half"), [("cuda", True), ("cpu", False)])
def test_half_precision_on_a_gpu_only(device: str, half: bool) -> None:
    options = options_for(device, learning.FineTuning(**FineTuning().model_dump()), Places.of({}), None)
    assert (options.fp16, options.use_cpu) == (half, not half)
    assert not options.bf16, "a T4 has none"
    assert options.per_device_eval_batch_size == options.per_device_train_batch_size, "more might not fit"
    assert not options.logging_nan_inf_filter, "it would hide the loss that ends the job"
