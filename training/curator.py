"""A curator who knows the truth: where she clicks first, and where she corrects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts

Bits = NDArray[np.bool_]

_EVERY_SIDE = np.ones((3, 3), np.bool_)  # pixels that touch at a corner belong together


def first_prompts(kind: str, truth: Mask) -> Prompts:
    """One click where the mask is thickest ("point"), or the tight box around it ("box")."""
    if kind == "point":
        return Prompts((interior_point(truth),))
    if kind == "box":
        region = truth.region
        return Prompts(box=Box(region.x0, region.y0, region.x1 - 1, region.y1 - 1))
    raise ValueError(f"no such kind of prompt: {kind}")


def interior_point(mask: Mask) -> Point:
    """The pixel of the mask that is deepest inside, the border of the image counted as an outline."""
    return _deepest(mask.bits, mask.region)


def correction(truth: Mask, found: Mask | None, unsure: Mask | None = None) -> Point | None:
    """A click on the deepest pixel of the largest error: missing pixels, or pixels too many.

    Errors are regions of connected pixels, diagonally too; pixels of ``unsure`` are none. None where there
    is no error left.
    """
    region = truth.region if found is None else truth.region.union(found.region)
    wanted = truth.crop(region)
    given = np.zeros_like(wanted) if found is None else found.crop(region)
    wrong = wanted ^ given
    if unsure is not None:
        wrong &= ~unsure.crop(region)
    missing, too_much = _largest(wrong & wanted), _largest(wrong & given)
    positive = bool(missing.sum() >= too_much.sum())
    error = missing if positive else too_much
    return _deepest(error, region, positive=positive) if error.any() else None


def _largest(bits: Bits) -> Bits:
    """The region of most pixels, alone."""
    regions, count = ndimage.label(bits, _EVERY_SIDE)
    if count < 2:
        return bits
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return np.asarray(regions == sizes.argmax())


def _deepest(bits: Bits, region: Region, *, positive: bool = True) -> Point:
    depth = ndimage.distance_transform_edt(np.pad(bits, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return Point(float(x) + region.x0, float(y) + region.y0, positive)
