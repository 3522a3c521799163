"""What a decoder should answer, sampled where it matters: finely around a cell, coarsely elsewhere.

A cell of a few logits across is judged at the resolution of the plane, as inference does. So the truth is
sampled on a square grid around the cell, and logits are scaled to that grid; everywhere else nothing belongs
to the cell, and logits are taken as they are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from cellsam_desktop.sam.transforms import IMAGE_SIZE
from training.frames import CellTruth
from training.views import View

SAMPLES = 96
"""Samples along each side of the square around a cell."""
LOGITS = 256
PER_LOGIT = IMAGE_SIZE // LOGITS

_MARGIN = 1.5  # of the square, as a multiple of the cell's longer side
_SMALLEST = 8.0  # plane pixels along the square
_KEPT = 20_000  # squares in memory, 40 KB each

Bits = NDArray[np.bool_]
Floats = NDArray[np.float32]
Sample = TypeVar("Sample", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Targets:
    """N cells of one view, in its own pixels as (x, y).

    ``truth`` (N, S, S) is 1 on the cell; ``share`` (N, S, S) how many pixels a sample stands for, 0 where
    nothing is known; ``depth`` (N, S, S) how deep inside the cell it lies, 1 at the deepest. Sample k along
    an axis lies at ``origin + (k + 1/2) * pitch``, both (N, 2). ``boxes`` (N, 4) are tight: x0, y0, x1, y1.
    ``elsewhere`` (N, 256, 256) is how many pixels a logit stands for, 0 in the square, in the padding, and
    where nothing is known. ``scale`` (N, 2) is input pixels per pixel.
    """

    truth: Tensor
    share: Tensor
    depth: Tensor
    origin: Tensor
    pitch: Tensor
    boxes: Tensor
    elsewhere: Tensor
    scale: Tensor

    def __len__(self) -> int:
        return len(self.truth)

    def part(self, wanted: slice) -> Targets:
        """Some of the cells."""
        return Targets(**{name: value[wanted] for name, value in vars(self).items()})

    def to(self, device: torch.device) -> Targets:
        """The same on another device."""
        return Targets(**{name: value.to(device) for name, value in vars(self).items()})

    def near(self, logits: Tensor, corner: Tensor | None = None) -> Tensor:
        """Logits at the samples, (N, M, S, S), mixed as inference mixes them.

        ``logits`` (N, M, G, G) begin at ``corner`` (N, 2), (x, y), of all 256 x 256.
        """
        steps = torch.arange(SAMPLES, device=logits.device)[:, None] + 0.5
        places = self.origin[:, None] + steps * self.pitch[:, None]  # (N, S, 2)
        places = ((places + 0.5) * self.scale[:, None] / PER_LOGIT - 0.5).clamp(0, LOGITS - 1)
        if corner is not None:
            places = places - corner[:, None]
        distances = (places[..., None] - torch.arange(logits.shape[-1], device=logits.device)).abs()
        columns, rows = (1 - distances).clamp(min=0).to(logits.dtype).unbind(2)  # (N, S, G) each
        return rows[:, None] @ logits @ columns[:, None].transpose(2, 3)

    def place(self, chosen: Tensor) -> Tensor:
        """Where samples lie, (N, 2), that are given as numbers (N,) counted row by row."""
        steps = torch.stack([chosen % SAMPLES, chosen // SAMPLES], dim=1) + 0.5
        return self.origin + steps * self.pitch


@dataclass(frozen=True, eq=False)
class _Square:
    """A cell and what is around it, in the pixels of a view: the square's centre and side, its samples."""

    x: float
    y: float
    side: float
    truth: Bits
    known: Bits
    depth: NDArray[np.float16]
    box: tuple[float, float, float, float]

    def turned(self, view: View) -> _Square:
        """As ``view`` shows the square of its unturned form."""
        x0, y0 = view.region.x0, view.region.y0
        x, y = view.place(self.x + x0, self.y + y0)
        corners = [view.place(self.box[i] + x0, self.box[i + 1] + y0) for i in (0, 2)]
        xs, ys = zip(*corners, strict=True)
        return replace(
            self,
            x=x,
            y=y,
            truth=_turned(self.truth, view.turn),
            known=_turned(self.known, view.turn),
            depth=_turned(self.depth, view.turn),
            box=(min(xs), min(ys), max(xs), max(ys)),
        )


class TargetMaker:
    """Makes targets, and remembers what is costly about them; the turned forms of a view share it."""

    def __init__(self) -> None:
        self._squares: OrderedDict[tuple[View, int], _Square] = OrderedDict()

    def make(self, view: View, cells: Sequence[CellTruth]) -> Targets:
        """The targets of some cells of a view."""
        squares = [self._square(view, cell).turned(view) for cell in cells]
        scale = np.array(view.geometry.to_input(1.0, 1.0), np.float32)
        sides = np.array([square.side for square in squares], np.float32)
        centres = np.array([(square.x, square.y) for square in squares], np.float32)
        pitch = sides[:, None] / SAMPLES
        origin = np.asarray(centres - sides[:, None] / 2, np.float32)
        known = np.stack([square.known for square in squares])
        elsewhere = _elsewhere(view, scale, origin, sides)
        arrays = {
            "truth": np.stack([square.truth for square in squares]).astype(np.float32),
            "share": known * (pitch**2)[..., None],
            "depth": np.stack([square.depth for square in squares]).astype(np.float32),
            "origin": origin,
            "pitch": np.repeat(pitch, 2, axis=1),
            "boxes": np.array([square.box for square in squares], np.float32),
            "elsewhere": elsewhere,
            "scale": np.repeat(scale[None], len(squares), axis=0),
        }
        return Targets(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def _square(self, view: View, cell: CellTruth) -> _Square:
        straight = replace(view, turn=0)
        key = (straight, cell.cell_id)
        if key in self._squares:
            self._squares.move_to_end(key)
            return self._squares[key]
        square = self._squares[key] = _measure(straight, straight.truth(cell), straight.unsure())
        if len(self._squares) > _KEPT:
            self._squares.popitem(last=False)
        return square


def _turned(samples: NDArray[Sample], turn: int) -> NDArray[Sample]:
    """As ``View`` turns its pixels."""
    return np.rot90(samples[:, ::-1] if turn >= 4 else samples, turn % 4)


def _measure(view: View, truth: Bits, unsure: Bits | None) -> _Square:
    rows, columns = np.flatnonzero(truth.any(axis=1)), np.flatnonzero(truth.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    side = max(_SMALLEST, _MARGIN * (max(y1 - y0, x1 - x0) + 1))
    y, x = (y0 + y1) / 2, (x0 + x1) / 2
    steps = (np.arange(SAMPLES) + 0.5) * (side / SAMPLES) - side / 2
    ys, xs = np.rint(y + steps).astype(int), np.rint(x + steps).astype(int)
    height, width = view.shape
    inside = ((ys >= 0) & (ys < height))[:, None] & ((xs >= 0) & (xs < width))
    places = np.ix_(ys.clip(0, height - 1), xs.clip(0, width - 1))
    sampled = truth[places] & inside
    known = inside if unsure is None else inside & (sampled | ~unsure[places])
    depth = ndimage.distance_transform_edt(np.pad(sampled, 1))[1:-1, 1:-1]
    depth = (depth / max(1.0, depth.max())).astype(np.float16)
    return _Square(x, y, side, sampled, known, depth, (x0, y0, x1, y1))


def _elsewhere(view: View, scale: Floats, origin: Floats, sides: Floats) -> Floats:
    """How many pixels each logit stands for, (N, 256, 256), see ``Targets``."""
    centres = (np.arange(LOGITS, dtype=np.float32) + 0.5) * PER_LOGIT
    xs, ys = centres / scale[0] - 0.5, centres / scale[1] - 0.5
    height, width = view.shape
    known = (ys < height - 0.5)[:, None] & (xs < width - 0.5)
    unsure = view.unsure()
    if unsure is not None:
        rows, columns = (np.rint(c).astype(int).clip(0, n - 1) for c, n in ((ys, height), (xs, width)))
        known &= ~unsure[np.ix_(rows, columns)]
    within_x = (xs >= origin[:, :1]) & (xs < origin[:, :1] + sides[:, None])
    within_y = (ys >= origin[:, 1:]) & (ys < origin[:, 1:] + sides[:, None])
    apart = known & ~(within_y[:, :, None] & within_x[:, None, :])
    return np.asarray(apart * (PER_LOGIT**2 / (scale[0] * scale[1])), np.float32)
