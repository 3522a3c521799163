"""Prompts as a curator would place them, for many cells at once (Kirillov et al. 2023, Archit et al. 2025).

First a point inside the cell or a box around it, then clicks where the mask is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Generator, Tensor

from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.prompt_arrays import prompt_arrays
from cellsam_desktop.sam.transforms import InputGeometry
from training.targets import LOGITS, PER_LOGIT, SAMPLES, Targets

NEGATIVE, POSITIVE, TOP_LEFT, BOTTOM_RIGHT, PADDING, ABSENT = 0, 1, 2, 3, -1, -2
"""Labels of prompts: points, corners of a box, the padding that stands for "no box", nothing at all."""


@dataclass(frozen=True, eq=False)
class PromptBatch:
    """Prompts of N cells on one image, as the prompt encoder takes them.

    ``coords`` (N, P, 2) are (x, y) in input pixels (0 to 1023), ``labels`` (N, P) integers.
    """

    coords: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def certain(self) -> Tensor:
        """Which cells (N,) have a box or several points: their mask is that of the first mask token."""
        return (self.labels >= NEGATIVE).sum(dim=1) > 1

    def with_points(self, coords: Tensor, positive: Tensor) -> PromptBatch:
        """One click more for each cell, at ``coords`` (N, 2)."""
        labels = torch.cat([self.labels, positive.to(self.labels)[:, None]], dim=1)
        return PromptBatch(torch.cat([self.coords, coords[:, None]], dim=1), labels)


def first_prompts(targets: Targets, point_share: float, box_jitter: float, random: Generator) -> PromptBatch:
    """A point inside each cell, with the probability ``point_share``, or else a box around it.

    Points prefer the inside, as curators do. The sides of a box are moved by up to ``box_jitter`` of their
    length, seldom so far.
    """
    n, device = len(targets), targets.truth.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=random, device=device)

    inside = (targets.depth >= draw(n, 1, 1)) & (targets.truth > 0)
    points = targets.place(_pick(inside.flatten(1).float(), random))
    x0, y0, x1, y1 = targets.boxes.unbind(1)
    sides = torch.stack([x1 - x0, y1 - y0] * 2, dim=1) + 1
    boxes = targets.boxes + (2 * draw(n, 4) - 1) * draw(n, 1) * box_jitter * sides
    corners = torch.stack(
        [torch.minimum(boxes[:, :2], boxes[:, 2:]), torch.maximum(boxes[:, :2], boxes[:, 2:])], 1
    )
    alone = torch.stack([points, torch.zeros_like(points)], dim=1)
    is_point = draw(n) < point_share
    coords = torch.where(is_point[:, None, None], alone, corners) * targets.scale[:, None]
    kinds = torch.tensor([[TOP_LEFT, BOTTOM_RIGHT], [POSITIVE, PADDING]], device=device)
    return PromptBatch(coords, kinds[is_point.long()])


def corrections(
    targets: Targets, prompts: PromptBatch, near: Tensor, far: Tensor, random: Generator
) -> PromptBatch:
    """One click more in the error of each mask, preferably inside it.

    ``near`` (N, S, S) are the logits at the samples, ``far`` (N, 256, 256) all of them. A mask without an
    error gets one more point inside the cell.
    """
    wrong = ((near > 0) != (targets.truth > 0)) * targets.share
    chances = _chances(_inside(wrong), _inside(_too_much(targets, far)), targets.truth)
    return _with_click(targets, prompts, chances, random)


def paired_corrections(
    targets: Targets, prompts: PromptBatch, near: Tensor, far: Tensor, random: Generator
) -> PromptBatch:
    """Two clicks more, as micro-sam's ``IterativePromptGenerator`` places them: one anywhere in what the mask
    lacks, and one anywhere in what it has too much; if there is none, inside the cell and right beside it.
    """
    found, truth = (near > 0).float(), targets.truth
    nothing = torch.zeros_like(far)
    lacking = _chances((1 - found) * truth * targets.share, nothing, truth)
    beside = (1 - truth) * targets.share
    surplus = _chances(found * beside, _too_much(targets, far), beside)
    prompts = _with_click(targets, prompts, lacking, random)
    return _with_click(targets, prompts, surplus, random)


def _too_much(targets: Targets, far: Tensor) -> Tensor:
    """How many pixels (N, 256, 256) far from the cell are wrongly in its mask."""
    return (far > 0) * targets.elsewhere


def _chances(near: Tensor, far: Tensor, otherwise: Tensor) -> Tensor:
    """How likely a click falls on each sample and each logit, (N, S S + 256 256); ``otherwise`` (N, S, S)
    says it where nothing else is likely.
    """
    chances = torch.cat([near.flatten(1), far.flatten(1)], dim=1)
    none = chances.sum(dim=1) <= 0
    chances[:, : SAMPLES * SAMPLES] += none[:, None] * otherwise.flatten(1)
    return chances


def _with_click(targets: Targets, prompts: PromptBatch, chances: Tensor, random: Generator) -> PromptBatch:
    """One click more for each cell; it is positive if it lies on the cell."""
    chosen = _pick(chances, random)
    close = chosen < SAMPLES * SAMPLES
    sample = chosen.clamp(max=SAMPLES * SAMPLES - 1)
    apart = (chosen - SAMPLES * SAMPLES).clamp(min=0)
    logit = torch.stack([apart % LOGITS, apart // LOGITS], dim=1)
    beside = (logit + 0.5) * PER_LOGIT - 0.5
    coords = torch.where(close[:, None], targets.place(sample) * targets.scale, beside)
    truth = targets.truth.flatten(1).gather(1, sample[:, None])[:, 0]
    return prompts.with_points(coords, close & (truth > 0))


def real_prompts(
    prompts: PromptBatch, real: Sequence[Prompts | None], geometry: InputGeometry
) -> PromptBatch:
    """``prompts`` with those of some cells replaced by what a person really placed."""
    arrays = [None if own is None or own.empty else prompt_arrays(own, geometry) for own in real]
    longest = max((coords.shape[1] for own in arrays if own is not None for coords in own[:1]), default=0)
    extra = max(0, longest - prompts.labels.shape[1])
    coords = functional.pad(prompts.coords, (0, 0, 0, extra))
    labels = functional.pad(prompts.labels, (0, extra), value=ABSENT)
    for n, own in enumerate(arrays):
        if own is not None:
            count = own[0].shape[1]
            coords[n, :count] = torch.from_numpy(own[0][0]).to(coords)
            labels[n] = ABSENT
            labels[n, :count] = torch.from_numpy(own[1][0].astype(np.int64)).to(labels)
    return PromptBatch(coords, labels)


def _inside(error: Tensor) -> Tensor:
    """``error`` (N, height, width), with less of it near its borders."""
    around = functional.avg_pool2d((error > 0).float()[:, None], 7, stride=1, padding=3)[:, 0]
    return error * around**3


def _pick(chances: Tensor, random: Generator) -> Tensor:
    """One of the columns of each row (N, K), in proportion to its chance."""
    # A row without a chance would be refused; any of its columns will do.
    return torch.multinomial(chances + 1e-12, 1, generator=random)[:, 0]
