"""How wrong masks and predicted IoUs are; Dice and focal loss are MONAI's (Cardoso et al. 2022)."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as functional
from monai.losses.dice import DiceLoss
from monai.losses.focal_loss import sigmoid_focal_loss
from torch import Tensor

from training.config import Config
from training.focus import Samples

_DICE = DiceLoss(squared_pred=True, reduction="none")


def mask_losses(samples: Samples, config: Config) -> Tensor:
    """How wrong each mask is, (N, M)."""
    loss = torch.zeros(samples.logits.shape[:2], device=samples.logits.device)
    truth = samples.truth.expand_as(samples.logits)
    if config.dice:
        # Squares are summed, so that the root of its share lets each place count by its share.
        root = samples.share.sqrt()
        dice = _DICE(samples.logits.sigmoid() * root, truth * root)
        loss = loss + config.dice * dice.flatten(1)
    if config.cross_entropy:
        wrong = functional.binary_cross_entropy_with_logits(samples.logits, truth, reduction="none")
        loss = loss + config.cross_entropy * _mean(wrong, samples)
    if config.focal:
        loss = loss + config.focal * _mean(sigmoid_focal_loss(samples.logits, truth), samples)
    return loss


def total_loss(samples: Samples, predicted: Tensor, certain: Tensor, config: Config) -> Tensor:
    """The mean over cells of the loss of the masks that would be shown, and of the predicted IoUs (N, 4).

    ``samples`` has four masks. Where prompts are ``certain`` (N,) the first mask counts. For a single point
    the best of the other three counts, and the others too by ``config.others``.
    """
    losses = mask_losses(samples, config)
    several = losses[:, 1:]
    ambiguous = (1 - config.others) * several.min(dim=1).values + config.others * several.mean(dim=1)
    loss = torch.where(certain, losses[:, 0], ambiguous)
    if config.quality:
        with torch.no_grad():
            iou = samples.iou()
        loss = loss + config.quality * (predicted.float() - iou).square().mean(dim=1)
    return loss.mean()


def rehearsal_loss(
    samples: Samples, predicted: Tensor, taught: Samples, expected: Tensor, config: Config
) -> Tensor:
    """How far the first mask, which answers boxes, and its predicted IoU are from what was ``taught``."""
    found = replace(samples, logits=samples.logits[:, :1], truth=taught.logits[:, :1].sigmoid())
    loss = mask_losses(found, config)[:, 0]
    return (loss + config.quality * (predicted - expected)[:, 0].float().square()).mean()


def _mean(wrong: Tensor, samples: Samples) -> Tensor:
    """Means of (N, M, K) around the cell and elsewhere, added: small cells count as much as large ones."""
    weighted = wrong * samples.share
    total = torch.zeros(wrong.shape[:2], device=wrong.device)
    for part in (slice(None, samples.near), slice(samples.near, None)):
        area = samples.share[..., part].sum(dim=2)
        total = total + weighted[..., part].sum(dim=2) / area.clamp(min=1e-6)
    return total
