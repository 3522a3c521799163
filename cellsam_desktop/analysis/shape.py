"""The outline of one mask in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cellsam_desktop.core.mask import BoolArray, Mask

_STRAIGHT, _DIAGONAL, _MIXED = (5, 7, 15, 17, 25, 27), (21, 33), (13, 23)
_LENGTHS = np.zeros(50)
_LENGTHS[list(_STRAIGHT)] = 1.0
_LENGTHS[list(_DIAGONAL)] = math.sqrt(2)
_LENGTHS[list(_MIXED)] = (1 + math.sqrt(2)) / 2
_OF_A_PIXEL = 1 / 12


def perimeter(mask: Mask) -> float:
    """Length of the outline through the centres of the border pixels, in pixels.

    Each border pixel counts 1, sqrt(2) or their mean, as its neighbours on the border lie beside it, at its
    corners or both (Benkrid and Crookes 2000, as ``skimage.measure.perimeter``); holes have borders too. A
    disc of radius 10 comes out within 5 % of its circumference; a single pixel has none.
    """
    bits = np.pad(mask.bits, 1)
    inner = bits[1:-1, 1:-1] & bits[:-2, 1:-1] & bits[2:, 1:-1] & bits[1:-1, :-2] & bits[1:-1, 2:]
    border = np.zeros((mask.height + 2, mask.width + 2), dtype=np.uint8)
    border[1:-1, 1:-1] = bits[1:-1, 1:-1] & ~inner
    sides = border[:-2, 1:-1] + border[2:, 1:-1] + border[1:-1, :-2] + border[1:-1, 2:]
    corners = border[:-2, :-2] + border[:-2, 2:] + border[2:, :-2] + border[2:, 2:]
    kinds = border[1:-1, 1:-1] + 2 * sides + 10 * corners
    return float(np.bincount(kinds.ravel(), minlength=_LENGTHS.size) @ _LENGTHS)


@dataclass(frozen=True, slots=True)
class Moments:
    """Of a mask's pixels in an array (height, width): how many, and their centroid (``row``, ``column``).

    The second moments about it are those of rows (``along``), of columns (``across``), and ``mixed``; they
    are not divided by the area.
    """

    area: int
    row: float
    column: float
    along: float
    across: float
    mixed: float

    @classmethod
    def of(cls, bits: BoolArray) -> Moments:
        """Those of a mask that has pixels."""
        per_row, per_column = bits.sum(axis=1), bits.sum(axis=0)
        area = int(per_row.sum())
        rows, columns = np.arange(float(per_row.size)), np.arange(float(per_column.size))
        row, column = float(per_row @ rows / area), float(per_column @ columns / area)
        rows, columns = rows - row, columns - column
        along, across = float(per_row @ rows**2), float(per_column @ columns**2)
        return cls(area, row, column, along, across, float(rows @ bits @ columns))

    @property
    def fullness(self) -> float:
        """See the function of that name."""
        # A pixel is a square, which has moments of its own.
        along, across = self.along / self.area + _OF_A_PIXEL, self.across / self.area + _OF_A_PIXEL
        return self.area / (4 * math.pi * math.sqrt(along * across - (self.mixed / self.area) ** 2))


def eccentricity(mask: Mask) -> float:
    """That of the ellipse with the same second moments: 0 for a circle, towards 1 the longer the mask is."""
    found = Moments.of(mask.bits)
    apart, together = math.hypot(found.across - found.along, 2 * found.mixed), found.across + found.along
    # Of the two moments along the axes of the ellipse, (together +- apart) / 2.
    return math.sqrt(2 * apart / (together + apart)) if together else 0.0


def fullness(bits: BoolArray) -> float:
    """The area over that of the ellipse with the same second moments; the mask must have pixels.

    1 for a disc and any ellipse, 0.95 for a rectangle, less for what is bent, branched, hollow or in pieces.
    """
    return Moments.of(bits).fullness
