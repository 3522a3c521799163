"""Masks as polygons on pixel corners, and back: any mask survives, with its holes and pieces.

Formats for spots with outlines know one simple ring per spot. Holes and further pieces are reached by a cut
that is walked to and fro, so that it encloses nothing; with the even-odd rule the pixels come out exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.edges import Pieces, border_pieces
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import polygon

Points = npt.NDArray[np.float64]
Corner = tuple[int, int]

_LARGEST = 2**24
"""Pixels of a polygon's box at most: a damaged file must not claim all memory."""


def outline_of(mask: Mask) -> Points:
    """Corners (n, 2) as x, y in the plane, where pixel centres lie at integers; the ring is not repeated."""
    pieces_across, pieces_down = border_pieces(mask)
    across = _ends(pieces_across)
    down = {here[::-1]: there[::-1] for here, there in _ends(pieces_down).items()}
    rings = []
    left = dict.fromkeys(across)
    while left:
        ring = _ring(next(iter(left)), across, down)
        for corner in ring:
            del left[corner]
        rings.append(ring)
    cuts = [corner for ring in rings[1:] for corner in (rings[0][0], *ring, ring[0])]
    corners: Points = np.array([*rings[0], *cuts], np.float64)
    moved: Points = corners + np.array([mask.x0 - 0.5, mask.y0 - 0.5])
    return moved


def mask_of(points: npt.ArrayLike) -> Mask | None:
    """The pixels whose centres lie within a polygon (n, 2) of x, y, by the even-odd rule; None if none do.

    Raises:
        ValueError: it has fewer than three corners, one that is no number, or is absurdly large.
    """
    ring = np.asarray(points, np.float64)
    if ring.ndim != 2 or ring.shape[0] < 3 or ring.shape[1] != 2 or not np.isfinite(ring).all():
        raise ValueError(f"no polygon: {ring.shape} numbers")
    width, height = np.ceil(ring.max(axis=0)) - np.floor(ring.min(axis=0)) + 1
    if width * height > _LARGEST:
        raise ValueError(f"a polygon of {width:g} x {height:g} pixels")
    return polygon(ring)


def _ends(pieces: Pieces) -> dict[Corner, Corner]:
    """For both ends (along the line, line) of each piece the other one."""
    line, begin, end = (part.tolist() for part in pieces)
    begins, ends = list(zip(begin, line, strict=True)), list(zip(end, line, strict=True))
    return dict(zip(begins, ends, strict=True)) | dict(zip(ends, begins, strict=True))


def _ring(begin: Corner, across: dict[Corner, Corner], down: dict[Corner, Corner]) -> list[Corner]:
    """Pieces across and down in turn, until the beginning is reached again."""
    ring, here = [], begin
    while True:
        there = across[here]
        ring += [here, there]
        here = down[there]
        if here == begin:
            return ring
