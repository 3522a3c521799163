"""Which regions lie together, so that what is far apart on a large plane needs no array around both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region


def groups(regions: Sequence[Region]) -> list[list[int]]:
    """The numbers of the regions that overlap, directly or by way of others, in a list each."""
    corners = np.array([(r.y0, r.x0, r.y1, r.x1) for r in regions], np.int64).reshape(-1, 4)
    left = np.ones(len(regions), np.bool_)
    found: list[list[int]] = []
    while left.any():
        waiting = [int(left.argmax())]
        left[waiting] = False
        own: list[int] = []
        while waiting:
            number = waiting.pop()
            own.append(number)
            met = left & _overlap(corners, corners[number])
            left[met] = False
            waiting += np.flatnonzero(met).tolist()
        found.append(sorted(own))
    return found


def around(regions: Sequence[Region]) -> Region:
    """The smallest region that holds all of them, one at least."""
    return reduce(Region.union, regions)


def _overlap(corners: NDArray[np.int64], one: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which regions (n,) share a pixel with ``one``; y0, x0, y1, x1 of each are given."""
    begins, ends = corners[:, :2] < one[2:], corners[:, 2:] > one[:2]
    return np.asarray(begins.all(axis=1) & ends.all(axis=1))
