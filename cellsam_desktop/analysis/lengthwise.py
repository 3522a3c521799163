"""A mask seen along its long axis: how thin it is at each place, and what the line across looks like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.joint import Evidence
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask

_SMOOTH = 1.2
_STRIP = 1.5
_RIM = 4.0
_WIDE = 80

Array = NDArray[np.float64]


class Lengthwise:
    """A mask of at least two pixels; ``places`` along its long axis go from 0 at one end to 1 at the other.

    ``length`` is in pixels. ``axis`` is its direction (dy, dx), of length 1.
    """

    def __init__(self, mask: Mask, axis: Array | None = None) -> None:
        """Seen along its own long axis, or along another ``axis``."""
        from scipy import ndimage

        self.mask = mask
        pixels = pixels_of(mask)
        self._centre = pixels.mean(axis=0)
        self.axis: Array = _long_axis(pixels) if axis is None else axis
        along = self._along(pixels)
        self._low, self.length = float(along.min()), float(np.ptp(along)) + 1e-9
        count = max(12, int(self.length))
        bins = np.minimum(((along - self._low) / self.length * count).astype(np.intp), count - 1)
        self._widths = ndimage.gaussian_filter1d(np.bincount(bins, minlength=count).astype(float), _SMOOTH)
        self.places: Array = (np.arange(count) + 0.5) / count

    def place_of(self, mask: Mask) -> Array:
        """The place of each pixel of a mask."""
        return np.asarray((self._along(pixels_of(mask)) - self._low) / self.length)

    @property
    def waists(self) -> Array:
        """At each of ``places``, how much thinner the mask is there than on either side, at most 1."""
        left, right = np.zeros_like(self._widths), np.zeros_like(self._widths)
        left[1:] = np.maximum.accumulate(self._widths)[:-1]
        right[:-1] = np.maximum.accumulate(self._widths[::-1])[::-1][1:]
        sides = np.minimum(left, right)
        return np.where(sides > 0, 1 - self._widths / np.maximum(sides, 1e-9), 0.0)

    def faintness(self, places: Array, plane: Region, evidence: Evidence) -> Array:
        """At each place, how much less the line across looks like cells than the mask away from it."""
        box = self.mask.region
        window = Region(box.y0 - 2, box.x0 - 2, box.height + 4, box.width + 4).intersect(plane)
        if window is None:
            return np.zeros(places.size)
        rows, columns = np.mgrid[window.y0 : window.y1, window.x0 : window.x1]
        pixels = np.stack([rows.ravel(), columns.ravel()], axis=1).astype(np.float64)
        looks, inside = evidence(window).ravel(), self.mask.crop(window).ravel()
        across = np.abs(self._across(pixels))
        narrow = across < float(np.percentile(np.abs(self._across(pixels_of(self.mask))), _WIDE))
        along = self._along(pixels)
        found = np.zeros(places.size)
        for number, place in enumerate(places):
            distance = np.abs(along - self._low - self.length * place)
            strip, away = (distance < _STRIP) & narrow, (distance > _RIM) & inside
            if strip.any() and away.any():
                found[number] = looks[away].mean() - looks[strip].mean()
        return found

    def _along(self, pixels: Array) -> Array:
        return np.asarray((pixels - self._centre) @ self.axis)

    def _across(self, pixels: Array) -> Array:
        return np.asarray((pixels - self._centre) @ (-self.axis[1], self.axis[0]))


def _long_axis(pixels: Array) -> Array:
    scatter = np.cov((pixels - pixels.mean(axis=0)).T)
    return np.asarray(np.linalg.eigh(scatter)[1][:, 1])


def pixels_of(mask: Mask) -> Array:
    """Rows and columns (n, 2) of the mask on the plane."""
    return np.asarray(np.argwhere(mask.bits) + (mask.y0, mask.x0), dtype=np.float64)  # noqa: RUF005
