"""Which cells touch each other on one plane."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.mask import Mask

REACH = 2
"""Pixels, also along diagonals, from one mask to the next one at most: many outlines leave a line between."""


def neighbour_counts(masks: Mapping[int, Mask]) -> dict[int, int]:
    """How many of the other masks of a plane lie within ``REACH`` of each one, by cell id."""
    ids = list(masks)
    counts = dict.fromkeys(ids, 0)
    boxes = np.array([(m.y0, m.x0, m.y0 + m.height, m.x0 + m.width) for m in masks.values()]).reshape(-1, 4)
    for number, cell_id in enumerate(ids):
        near = np.flatnonzero(_meets(boxes[number + 1 :], boxes[number])) + number + 1
        if near.size:
            grown = _grown(masks[cell_id])
            for other in (ids[index] for index in near):
                if grown.overlap(masks[other]):
                    counts[cell_id] += 1
                    counts[other] += 1
    return counts


def _meets(boxes: NDArray[np.intp], box: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which boxes (N, top, left, bottom, right) lie within reach of one."""
    below = (boxes[:, 0] < box[2] + REACH) & (box[0] < boxes[:, 2] + REACH)
    right = (boxes[:, 1] < box[3] + REACH) & (box[1] < boxes[:, 3] + REACH)
    return np.asarray(below & right, dtype=np.bool_)


def _grown(mask: Mask) -> Mask:
    """With every pixel within ``REACH``, rows before columns; it may reach beyond the plane."""
    bits = np.pad(mask.bits, REACH)
    for axis in (0, 1):
        source = bits.copy()
        for step in range(1, REACH + 1):
            # The margin is as wide as the step: nothing wraps around to the other edge.
            bits |= np.roll(source, step, axis) | np.roll(source, -step, axis)
    return Mask(mask.y0 - REACH, mask.x0 - REACH, bits)
