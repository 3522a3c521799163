"""Masks as text: the lengths of their runs, for tables that people read and programs read again."""

from __future__ import annotations

import numpy as np

from cellsam_desktop.core.mask import Mask

COLUMNS = ("box_x", "box_y", "box_width", "box_height", "mask")
"""Columns that hold a mask: its box in pixels, and the runs of the pixels in it."""

_LARGEST = 2**24


def runs_of(mask: Mask) -> str:
    """Lengths of runs through the box, row after row: background, cell, background, and so on.

    The last run is left out when it is background. A full box of 12 pixels is "0 12".
    """
    edges = np.flatnonzero(np.diff(mask.bits.ravel(), prepend=False, append=False))
    return " ".join(map(str, np.diff(edges, prepend=0).tolist()))


def columns_of(mask: Mask) -> list[str | int]:
    """The values of ``COLUMNS``."""
    return [mask.x0, mask.y0, mask.width, mask.height, runs_of(mask)]


def mask_of(x0: int, y0: int, width: int, height: int, runs: str) -> Mask | None:
    """The mask of such values; None if it has no pixel.

    Raises:
        ValueError: the runs do not fit the box.
    """
    lengths = np.array(runs.split(), np.int64)
    if not 0 < width * height <= _LARGEST or (lengths < 0).any() or lengths.sum() > width * height:
        raise ValueError(f"runs of {lengths.sum()} pixels in a box of {width} x {height}")
    bits = np.zeros(width * height, np.bool_)
    pixels = np.repeat(np.arange(lengths.size) % 2 == 1, lengths)
    bits[: pixels.size] = pixels
    return Mask.from_array(bits.reshape(height, width), y0, x0)
