"""How wrong masks are, on a few places whose loss is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.config import Config
from training.focus import Samples
from training.losses import mask_losses, total_loss

ONLY = Config(dice=0.0, cross_entropy=0.0, quality=0.0)
TRUTH = torch.tensor([1.0, 1.0, 0.0, 0.0])
SURE = 20.0


def samples(*masks: list[float]) -> Samples:
    """One cell with these logits of its masks at four places, two of them near."""
    logits = torch.tensor([masks])
    return Samples(logits, TRUTH[None, None], torch.ones(1, 1, 4), near=2)


RIGHT, WRONG, EMPTY = [SURE, SURE, -SURE, -SURE], [-SURE, -SURE, SURE, SURE], [-SURE] * 4


@pytest.mark.parametrize("kind", ["dice", "cross_entropy", "focal"])
def test_each_loss_is_nothing_for_what_is_right(kind: str) -> None:
    right, empty, wrong = mask_losses(samples(RIGHT, EMPTY, WRONG), replace(ONLY, **{kind: 1.0}))[0].tolist()
    assert right == pytest.approx(0.0, abs=1e-4)
    assert right < empty <= wrong


def test_places_near_the_cell_and_elsewhere_count_as_much() -> None:
    """Cross-entropy of a logit of 0 is log 2; two of four places are near."""
    found = samples([0.0, 0.0, -SURE, -SURE], [SURE, SURE, 0.0, -SURE])
    near, elsewhere = mask_losses(found, replace(ONLY, cross_entropy=1.0))[0].tolist()
    assert near == pytest.approx(torch.log(torch.tensor(2.0)).item(), abs=1e-4)
    assert elsewhere == pytest.approx(near / 2, abs=1e-4)


def test_what_nobody_knows_does_not_count() -> None:
    found = samples([SURE, SURE, SURE, -SURE])
    known = replace(found, share=torch.tensor([[[1.0, 1.0, 0.0, 1.0]]]))
    config = replace(ONLY, dice=1.0, cross_entropy=1.0)
    assert mask_losses(found, config).item() > 0.1
    assert mask_losses(known, config).item() == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    ("certain", "others", "wrong"),
    [(True, 0.0, 0), (False, 0.0, 2), (False, 1.0, None), (False, 0.5, None)],
)
def test_a_box_has_one_answer_and_a_point_the_best_of_three(
    certain: bool, others: float, wrong: int | None
) -> None:
    found = samples(WRONG, EMPTY, RIGHT, WRONG)
    config = replace(ONLY, dice=1.0, others=others)
    own = mask_losses(found, config)[0]
    loss = total_loss(found, torch.zeros(1, 4), torch.tensor([certain]), config).item()
    expected = own[wrong] if wrong is not None else (1 - others) * own[1:].min() + others * own[1:].mean()
    assert loss == pytest.approx(expected.item(), abs=1e-6)


def test_the_predicted_iou_learns_the_iou_of_all_four() -> None:
    found = samples(RIGHT, EMPTY, WRONG, [SURE] * 4)
    assert found.iou()[0].tolist() == pytest.approx([1.0, 0.0, 0.0, 0.5])
    certain, config = torch.tensor([True]), replace(ONLY, quality=2.0)
    assert total_loss(found, found.iou(), certain, config).item() == 0.0
    off = total_loss(found, found.iou() + torch.tensor([[0.1, 0.0, 0.0, 0.3]]), certain, config).item()
    assert off == pytest.approx(2.0 * (0.01 + 0.09) / 4)
