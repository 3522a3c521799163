"""Logits to masks: SAM's upscaling as two small matrix products, for the pixels that are wanted.

``Sam.postprocess_masks`` scales 256 x 256 logits to 1024 x 1024, cuts off the padding, and scales the rest to
the image, both bilinearly (align_corners=False). Both steps are linear and separable, so that each axis of
the image is one matrix with few entries per row, and no image of 1024 x 1024 is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry

FloatArray = NDArray[np.float32]

_LOGITS = 256


@dataclass(frozen=True, eq=False)
class _Axis:
    """How the pixels of one image axis are mixed from the 256 logits of that axis.

    ``weights`` is (pixels, 256); pixel i mixes the logits ``first[i]`` to ``last[i]``, both rising with i.
    """

    weights: FloatArray
    first: NDArray[np.intp]
    last: NDArray[np.intp]

    def reach(self, logits: NDArray[np.intp]) -> tuple[int, int]:
        """The pixels, from and up to, that any of the given rising logit positions has a part in."""
        start = int(np.searchsorted(self.last, logits[0], side="left"))
        return start, int(np.searchsorted(self.first, logits[-1], side="right"))

    def cut(self, start: int, stop: int) -> tuple[FloatArray, slice]:
        """The weights of the pixels ``start`` to ``stop``, for the logits in the slice only."""
        needed = slice(int(self.first[start]), int(self.last[stop - 1]) + 1)
        return self.weights[start:stop, needed], needed


def logits_to_mask(logits: FloatArray, geometry: InputGeometry, threshold: float = 0.0) -> Mask | None:
    """The mask where ``logits`` (256, 256), scaled to the region, exceed ``threshold``; None if nowhere.

    The mask lies in plane pixels and is the one ``SamPredictor.predict`` gives.
    """
    above = logits > threshold
    rows, columns = np.flatnonzero(above.any(axis=1)), np.flatnonzero(above.any(axis=0))
    if rows.size == 0:
        return None  # a mixture exceeds the threshold only if a part does
    y0, y1 = _axis(geometry.input_height, geometry.region.height).reach(rows)
    x0, x1 = _axis(geometry.input_width, geometry.region.width).reach(columns)
    if y1 <= y0 or x1 <= x0:
        return None  # all of it lies in the padding
    window = Region(geometry.region.y0 + y0, geometry.region.x0 + x0, y1 - y0, x1 - x0)
    return Mask.from_array(region_logits(logits, geometry, window) > threshold, window.y0, window.x0)


def region_logits(logits: FloatArray, geometry: InputGeometry, window: Region) -> FloatArray:
    """The logits (256, 256) scaled to the plane pixels of ``window``, which must lie within the region."""
    region = geometry.region
    y0, x0 = window.y0 - region.y0, window.x0 - region.x0
    rows, needed_rows = _axis(geometry.input_height, region.height).cut(y0, y0 + window.height)
    columns, needed_columns = _axis(geometry.input_width, region.width).cut(x0, x0 + window.width)
    return np.asarray(rows @ logits[needed_rows, needed_columns] @ columns.T, dtype=np.float32)


@lru_cache(maxsize=16)
def _axis(used: int, pixels: int) -> _Axis:
    """The axis of a region of ``pixels`` pixels that fills ``used`` pixels of the encoder's input."""
    to_input = _bilinear(_LOGITS, IMAGE_SIZE)[:used]
    weights = (_bilinear(used, pixels) @ to_input).astype(np.float32)
    mixed = weights != 0
    return _Axis(weights, mixed.argmax(axis=1), _LOGITS - 1 - mixed[:, ::-1].argmax(axis=1))


def _bilinear(before: int, after: int) -> NDArray[np.float64]:
    """PyTorch's bilinear scaling of one axis (align_corners=False) as a matrix (after, before).

    Positions are computed in float32, as PyTorch does, so that the masks agree to the pixel.
    """
    scale = np.float32(before) / np.float32(after)
    position = np.maximum((np.arange(after, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5), 0)
    lower = position.astype(np.intp)
    upper = np.minimum(lower + 1, before - 1)
    share = (position - lower).astype(np.float64)
    matrix = np.zeros((after, before))
    rows = np.arange(after)
    np.add.at(matrix, (rows, lower), 1 - share)
    np.add.at(matrix, (rows, upper), share)
    return matrix
