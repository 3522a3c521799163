"""Is a mother explained better by two daughters? She is cut at her waist, and each half asked for.

What tells a division was measured on movies with known lineages (``docs/decisions/0202-divisions.md``): a
waist, in the middle, whose pixels do not look like cells, halves that the decoder keeps apart, and growth
since the cell was first seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.joint import Evidence
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import keep_largest

_WEIGHTS = {"waist": 5.87, "faint": 5.79, "leak": -4.16, "off": -12.7, "growth": 4.17}
_BASE = -4.18
LEAST_CONFIDENCE = 0.4
"""A division is proposed from here on."""

_FEW = 30
_MIDDLE = 0.2
_SMOOTH = 1.2
_STRIP = 1.5
_RIM = 4.0
_WIDE = 80


@dataclass(frozen=True, eq=False)
class Cut:
    """A mask cut in two across its long axis, where it is thinnest near the middle.

    ``waist`` is how much thinner it is there than on either side, 0 to 1; ``faint`` how much less its pixels
    look like cells than those of the halves, negative where they do more; ``off`` how far from the middle it
    is, in lengths of the mask.
    """

    halves: tuple[Mask, Mask]
    waist: float
    faint: float
    off: float

    def confidence(self, leak: float, growth: float) -> float:
        """How sure a division is, 0 to 1.

        For ``leak`` see ``leak_of``; ``growth`` is the area over that when the cell was first seen.
        """
        found = {
            "waist": min(self.waist, 0.5),
            "faint": min(max(self.faint, -0.3), 0.6),
            "leak": leak,
            "off": self.off,
            "growth": min(max(math.log(growth), -0.3), 0.7),
        }
        return 1 / (1 + math.exp(-_BASE - sum(_WEIGHTS[name] * value for name, value in found.items())))


def cut(mask: Mask, plane: Region, evidence: Evidence | None) -> Cut | None:
    """Cut a mask, which may be in pieces; None where it is too small or a half is empty."""
    if mask.area < _FEW:
        return None
    rows, columns = np.nonzero(mask.bits)
    pixels = np.stack([rows, columns], axis=1).astype(np.float64)
    centre = pixels.mean(axis=0)
    axis = np.linalg.eigh(np.cov((pixels - centre).T))[1][:, 1]
    along = (pixels - centre) @ axis
    waist, place, off = _waist(along)
    first, second = (_chosen(mask, rows, columns, side) for side in (along < place, along >= place))
    if first is None or second is None:
        return None
    across = np.abs((pixels - centre) @ (-axis[1], axis[0]))
    faint = 0.0
    if evidence is not None:
        origin = np.array([mask.y0, mask.x0])
        strip = _Strip(centre + origin, axis, place, float(np.percentile(across, _WIDE)))
        faint = strip.faintness(mask, plane, evidence)
    return Cut((first, second), waist, faint, off)


def leak_of(halves: Sequence[Mask], answers: Sequence[Mask | None]) -> float:
    """The largest share of one half that the answer for the other takes."""
    shares = [
        1.0 if answer is None else answer.overlap(other) / other.area
        for answer, other in zip(answers, halves[::-1], strict=True)
    ]
    return max(shares)


def _waist(along: NDArray[np.float64]) -> tuple[float, float, float]:
    """The depth of the waist, its place on the axis, and its distance from the middle in lengths."""
    from scipy import ndimage

    low, length = float(along.min()), float(np.ptp(along)) + 1e-9
    count = max(12, int(length))
    bins = np.minimum(((along - low) / length * count).astype(np.intp), count - 1)
    width = ndimage.gaussian_filter1d(np.bincount(bins, minlength=count).astype(np.float64), _SMOOTH)
    places = (np.arange(count) + 0.5) / count
    middle = np.flatnonzero(np.abs(places - 0.5) < _MIDDLE)
    depths, tops = [], []
    for i in middle:
        sides = width[:i], width[i + 1 :]
        depths.append(1 - width[i] / min(side.max() for side in sides))
        tops.append(1 - width[i] / min(np.percentile(side, 75) for side in sides))
    best = int(np.argmax(tops))
    place = float(places[middle[best]])
    return max(depths), low + length * place, abs(place - 0.5)


def _chosen(
    mask: Mask, rows: NDArray[np.intp], columns: NDArray[np.intp], chosen: NDArray[np.bool_]
) -> Mask | None:
    bits = np.zeros(mask.bits.shape, np.bool_)
    bits[rows[chosen], columns[chosen]] = True
    half = Mask.from_array(bits, mask.y0, mask.x0)
    return None if half is None else keep_largest(half)


@dataclass(frozen=True, eq=False)
class _Strip:
    """The line of a cut: ``place`` along ``axis`` from ``centre`` (y, x), ``half_width`` to either side."""

    centre: NDArray[np.float64]
    axis: NDArray[np.float64]
    place: float
    half_width: float

    def faintness(self, mask: Mask, plane: Region, evidence: Evidence) -> float:
        """How much less the strip looks like cells than the mask away from it."""
        box = mask.region
        window = Region(box.y0 - 2, box.x0 - 2, box.height + 4, box.width + 4).intersect(plane)
        if window is None:
            return 0.0
        looks = evidence(window)
        rows, columns = np.mgrid[window.y0 : window.y1, window.x0 : window.x1]
        y, x = rows - self.centre[0], columns - self.centre[1]
        along = np.abs(y * self.axis[0] + x * self.axis[1] - self.place)
        across = np.abs(x * self.axis[0] - y * self.axis[1])
        strip = (along < _STRIP) & (across < self.half_width)
        away = (along > _RIM) & mask.crop(window)
        if not strip.any() or not away.any():
            return 0.0
        return float(looks[away].mean() - looks[strip].mean())
