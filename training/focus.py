"""Which image tokens are scaled up to be learned from: all around a cell, and a sample of the others.

Scaling up takes half of the time of a step, and most of an image says the same again and again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from training.model import GRID, TrainableDecoder, in_order
from training.targets import LOGITS, SAMPLES, Targets

_FEWEST = 16  # tokens along the window, so that neighbours are always in it
_STEP = 4
_APART = 256  # tokens anywhere else
_PER_TOKEN = LOGITS // GRID


@dataclass(frozen=True, eq=False)
class Focus:
    """Of N cells: a window of ``side`` x ``side`` tokens from ``corner`` (N, 2), (row, column), on.

    ``apart`` (N, F) are tokens drawn from all; those in the window do not count (``Samples``).
    """

    corner: Tensor
    side: int
    apart: Tensor

    @property
    def window(self) -> Tensor:
        """The numbers of the window's tokens (N, side * side), row by row."""
        steps = torch.arange(self.side, device=self.corner.device)
        rows, columns = (self.corner[:, axis, None] + steps for axis in (0, 1))
        return (rows[:, :, None] * GRID + columns[:, None, :]).flatten(1)

    @classmethod
    def on(cls, targets: Targets, random: Generator) -> Focus:
        """Windows that hold the squares of ``targets``; all of the image if one of them is that large."""
        per_pixel = targets.scale / (_PER_TOKEN * 4)
        sides = targets.pitch * SAMPLES * per_pixel
        needed = int(sides.max().ceil()) + 2
        side = min(GRID, max(_FEWEST, -(-needed // _STEP) * _STEP))
        middle = (targets.origin + targets.pitch * (SAMPLES / 2)) * per_pixel
        corner = (middle - side / 2).round().long().clamp(0, GRID - side).flip(1)
        count = 0 if side == GRID else _APART
        apart = torch.randint(GRID * GRID, (len(targets), count), generator=random, device=corner.device)
        return cls(corner, side, apart)


@dataclass(frozen=True, eq=False)
class Samples:
    """Where masks are looked at: K places of each of N cells.

    ``logits`` (N, M, K) of M masks, ``truth`` (N, 1, K), ``share`` (N, 1, K) how many pixels a place stands
    for. The first ``near`` places are the samples of the targets.
    """

    logits: Tensor
    truth: Tensor
    share: Tensor
    near: int

    @classmethod
    def of(
        cls, decoder: TrainableDecoder, queries: Tensor, image: Tensor, targets: Targets, focus: Focus
    ) -> Samples:
        """Of all four masks that ``decoder`` makes of what ``transform`` gave it."""
        window, weights = focus.window, decoder.mask_weights(queries).transpose(1, 2)
        wanted = torch.cat([window, focus.apart], dim=1)
        tokens = image.gather(1, wanted[..., None].expand(-1, -1, image.shape[2]))
        pixels = (decoder.upscale(tokens).flatten(1, 2) @ weights).float()  # (N, tokens * 16, M)
        count = window.shape[1] * _PER_TOKEN**2
        around = in_order(pixels[:, :count])
        near = targets.near(around, focus.corner.flip(1) * _PER_TOKEN).flatten(2)
        elsewhere = by_token(targets.elsewhere)
        beside = elsewhere.gather(1, window[..., None].expand(-1, -1, _PER_TOKEN**2)).flatten(1)
        apart = elsewhere * (GRID * GRID / max(1, focus.apart.shape[1]))
        apart = apart.scatter(1, window[..., None].expand(-1, -1, _PER_TOKEN**2), 0.0)
        apart = apart.gather(1, focus.apart[..., None].expand(-1, -1, _PER_TOKEN**2)).flatten(1)
        truth = targets.truth.flatten(1)
        return cls(
            torch.cat([near, pixels.transpose(1, 2)], dim=2),
            torch.cat([truth, torch.zeros_like(beside), torch.zeros_like(apart)], dim=1)[:, None],
            torch.cat([targets.share.flatten(1), beside, apart], dim=1)[:, None],
            near.shape[2],
        )

    def iou(self) -> Tensor:
        """The IoU (N, M) of each mask with the truth."""
        found = (self.logits > 0).float()
        common = (found * self.truth * self.share).sum(dim=2)
        either = (torch.maximum(found, self.truth) * self.share).sum(dim=2)
        return common / either.clamp(min=1e-6)


def by_token(pixels: Tensor) -> Tensor:
    """Images (N, 256, 256) by token and place within it, (N, 4096, 16): the reverse of ``in_order``."""
    tiles = pixels.reshape(len(pixels), GRID, 2, 2, GRID, 2, 2)
    return tiles.permute(0, 1, 4, 2, 5, 3, 6).reshape(len(pixels), GRID * GRID, _PER_TOKEN**2)
