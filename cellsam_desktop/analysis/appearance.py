"""Which grey values are those of cells, learned from their masks in the frame before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.carried import Image
from cellsam_desktop.analysis.groups import around, groups
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import covered

_BINS = 64
_SMOOTH = 1.0
_PRIOR = 20.0
_SURE = 2.0
_RING = 0.4


class Appearance:
    """The odds that a pixel belongs to a cell rather than to what lies around cells, by its grey value.

    Where both look alike the odds are even and say nothing.
    """

    def __init__(self, image: Image, cells: Sequence[Mask]) -> None:
        """``cells`` are the masks on ``image`` (height, width, 3), at least one."""
        size = float(np.sqrt(np.median([mask.area for mask in cells])))
        ring = max(3, round(_RING * size))
        regions = [mask.region.widened(ring) for mask in cells]
        counts = np.zeros((2, _BINS), np.intp)
        for group in groups(regions):
            window = around([regions[n] for n in group])
            window = window.intersect(Region.whole(*image.shape[:2])) or window
            counts += _counts(image[window.slices], covered([cells[n] for n in group], window), ring)
        self._odds = _log_odds(*counts)

    def of(self, image: Image, window: Region) -> NDArray[np.float32]:
        """From -1, surely around cells, to 1, surely in a cell: each pixel of a ``window`` of the image."""
        return np.asarray(self._odds[_bins(image[window.slices])])


def _counts(pixels: NDArray[np.uint8], inside: NDArray[np.bool_], ring: int) -> NDArray[np.intp]:
    """How many pixels (2, bins) of each grey value lie in cells, and how many in a ring around them."""
    from scipy import ndimage

    near = ndimage.distance_transform_edt(~inside) <= ring
    chosen = inside, near & ~inside
    return np.stack([np.bincount(_bins(pixels[bits]), minlength=_BINS) for bits in chosen])


def _bins(pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The bins of the grey values of pixels (..., 3)."""
    return np.asarray(pixels.mean(axis=-1) * (_BINS / 256), dtype=np.intp)


def _log_odds(inside: NDArray[np.intp], outside: NDArray[np.intp]) -> NDArray[np.float32]:
    from scipy import ndimage

    shares = []
    for counts in (inside, outside):
        smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), _SMOOTH)
        shares.append((smooth + _PRIOR / _BINS) / (counts.sum() + _PRIOR))
    odds = np.clip(np.log(shares[0] / shares[1]) / _SURE, -1, 1)
    return np.asarray(odds, dtype=np.float32)
