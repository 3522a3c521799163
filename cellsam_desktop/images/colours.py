"""Colour samples of stored pixels to grey or RGB planes."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellsam_desktop.images.source import Plane


def native(plane: Plane) -> Plane:
    """The plane in native byte order; truth values become 0 and 1, half floats single floats."""
    if plane.dtype.kind == "b":
        return plane.astype(np.uint8)
    if plane.dtype == np.float16:
        return plane.astype(np.float32)
    return np.ascontiguousarray(plane, dtype=plane.dtype.newbyteorder("="))


def native_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type ``native`` gives."""
    return native(np.empty((0,), dtype)).dtype


def rgb_of_palette(indices: Plane, palette: Plane) -> Plane:
    """Look colours up. ``palette`` is (3, colours) uint16 as in TIFF; gives (Y, X, 3) uint8."""
    colours = (palette.T >> 8 if palette.max(initial=0) > 255 else palette.T).astype(np.uint8)
    return colours[np.minimum(indices, len(colours) - 1)]


def grey_palette(palette: Plane) -> bool:
    """Whether all colours of a (3, colours) palette are grey."""
    return bool((palette[0] == palette[1]).all() and (palette[1] == palette[2]).all())


def rgb_of_cmyk(inks: Plane) -> Plane:
    """Cyan, magenta, yellow and black, (Y, X, 4) of unsigned integers, to (Y, X, 3) of the same type."""
    full = float(np.iinfo(inks.dtype).max)
    paper = 1.0 - inks.astype(np.float32) / full
    return np.asarray(np.rint(paper[..., :3] * paper[..., 3:] * full), dtype=inks.dtype)


def inverted(plane: Plane, bits: int) -> Plane:
    """Min-is-white values of ``bits`` bits as min-is-black ones, same type."""
    if plane.dtype.kind != "u":
        return plane
    return np.asarray((1 << bits) - 1 - plane.astype(np.int64), dtype=plane.dtype)
