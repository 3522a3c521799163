"""From stored pixel values to what is shown and to what the model sees.

One range for the whole movie, so that neither the picture nor the embeddings flicker. By default
0.35 % of the pixels are saturated at either end, the share ImageJ's "Enhance Contrast" uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.source import ImageSource, MovieInfo, Plane

PIXELS_PER_PLANE = 500_000
"""Of a larger plane an even grid of about so many pixels is measured."""

_AT_ONCE = 1_000_000  # pixels that are scaled at once, in numbers of 8 bytes


@dataclass(frozen=True)
class Contrast:
    """Pixel values shown black (``low``) and white (``high``), and the exponent in between.

    A value v is shown as ``((v - low) / (high - low)) ** gamma``, clipped to 0..1.
    """

    low: float
    high: float
    gamma: float = 1.0

    def to_json(self) -> dict[str, float]:
        """Plain numbers for a project file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Contrast:
        """The inverse of ``to_json``; raises ImageError when a number is missing or senseless."""
        try:
            contrast = cls(float(data["low"]), float(data["high"]), float(data.get("gamma", 1.0)))
        except (KeyError, TypeError, ValueError) as cause:
            raise ImageError(f"The stored contrast {data!r} is damaged; set the contrast again.") from cause
        if not (np.isfinite([contrast.low, contrast.high]).all() and contrast.gamma > 0):
            raise ImageError(f"The stored contrast {data!r} is damaged; set the contrast again.")
        return contrast


def measure_contrast(
    source: ImageSource, c: int, *, frames: int = 8, low: float = 0.35, high: float = 99.65
) -> Contrast:
    """Percentiles of channel ``c`` over evenly spread frames and z positions of the movie.

    At most ``frames`` planes are read, first and last included. NaN and infinities do not count;
    the three samples of an RGB movie are measured together. A constant image gives a range of
    width 1 above its value, so that it is shown black.
    """
    samples = [_sample(source.read_plane(index)) for index in _spread(source.info, c, frames)]
    values = np.concatenate(samples)
    if values.size == 0:
        return Contrast(0.0, 1.0)
    bottom, top = (float(v) for v in np.percentile(values, (low, high)))
    if not top > bottom:
        bottom, top = float(values.min()), float(values.max())
    if not top > bottom:
        top = bottom + 1.0
    return Contrast(bottom, top)


def to_uint8(plane: Plane, contrast: Contrast) -> npt.NDArray[np.uint8]:
    """The plane as shown, same shape, 0..255; NaN becomes 0. The same input gives the same bytes."""
    scale = _scaler(plane.dtype, contrast)
    shown = np.empty(plane.shape, np.uint8)
    rows = max(1, _AT_ONCE * len(plane) // max(1, plane.size))
    for start in range(0, len(plane), rows):
        band = slice(start, start + rows)
        shown[band] = scale(plane[band])
    return shown


def model_image(plane: Plane, contrast: Contrast) -> npt.NDArray[np.uint8]:
    """What the encoder sees: (Y, X, 3) uint8; a grey plane is repeated in the three samples."""
    return np.ascontiguousarray(model_view(plane, contrast))


def model_view(plane: Plane, contrast: Contrast) -> npt.NDArray[np.uint8]:
    """As ``model_image``, not to be written to: the three samples of a grey plane are the same memory."""
    shown = to_uint8(plane, contrast)
    return shown if shown.ndim == 3 else np.broadcast_to(shown[:, :, np.newaxis], (*shown.shape, 3))


def histogram(plane: Plane, bins: int = 256) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Counts (bins,) and edges (bins + 1,) of a plane's finite values, from an even grid of pixels."""
    values = _sample(plane)
    if values.size == 0:
        return np.zeros(bins, np.int64), np.linspace(0.0, 1.0, bins + 1)
    counts, edges = np.histogram(values, bins=bins)
    return counts.astype(np.int64), edges.astype(np.float64)


def _spread(info: MovieInfo, c: int, count: int) -> list[PlaneIndex]:
    """Evenly spread planes; z walks through the stack while t walks through the movie."""
    sizes = info.sizes
    total = min(max(count, 1), sizes.t * sizes.z)
    times = _even(sizes.t, total)
    depths = _even(sizes.z, total)
    if sizes.t > 1 and sizes.z > 1:
        # A stride coprime to most counts, so that depth does not simply follow time.
        depths = [depths[(3 * i + total // 2) % total] for i in range(total)]
    return sorted({PlaneIndex(t, c, z) for t, z in zip(times, depths, strict=True)})


def _even(size: int, count: int) -> list[int]:
    if count == 1:
        return [(size - 1) // 2]
    return [round(i * (size - 1) / (count - 1)) for i in range(count)]


def _sample(plane: Plane) -> npt.NDArray[np.float64]:
    """Finite values of an even grid of pixels, flat."""
    step = max(1, int(np.ceil(np.sqrt(plane.shape[0] * plane.shape[1] / PIXELS_PER_PLANE))))
    values = plane[::step, ::step].astype(np.float64).ravel()
    return values[np.isfinite(values)]


def _scaler(dtype: np.dtype[Any], contrast: Contrast) -> Callable[[Plane], npt.NDArray[np.uint8]]:
    """What scales pixels; a small unsigned type has a table of all values, a gather instead of arithmetic."""
    if dtype.kind not in "bu" or dtype.itemsize > 2:
        return partial(_scale, contrast=contrast)
    length = 2 if dtype.kind == "b" else int(np.iinfo(dtype).max) + 1
    table = _scale(np.arange(length), contrast)
    return lambda pixels: table[pixels.astype(np.uint16, copy=False)]


def _scale(values: Plane, contrast: Contrast) -> npt.NDArray[np.uint8]:
    width = contrast.high - contrast.low
    if not width > 0:
        width = 1.0
    # An infinity minus the low value may be NaN, which counts as black like any NaN.
    with np.errstate(invalid="ignore", over="ignore"):
        unit = (values.astype(np.float64) - contrast.low) / width
    np.nan_to_num(unit, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    np.clip(unit, 0.0, 1.0, out=unit)
    if contrast.gamma != 1.0:
        np.power(unit, contrast.gamma, out=unit)
    return np.asarray(np.rint(unit * 255.0), dtype=np.uint8)
