"""A movie's identity by its pixels, whatever its name and place."""

from __future__ import annotations

import hashlib

import numpy as np

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.source import ImageSource


def fingerprint(source: ImageSource) -> str:
    """Hexadecimal digest (64 letters) of sizes, pixel type and at most three planes.

    The first, middle and last plane are read. Moving, renaming or converting the file losslessly
    does not change it; another interpretation of the axes does.
    """
    info, sizes = source.info, source.info.sizes
    last = PlaneIndex(sizes.t - 1, sizes.c - 1, sizes.z - 1)
    middle = PlaneIndex(*(place // 2 for place in last))
    digest = hashlib.blake2b(digest_size=32)
    shape = sizes.tczyx
    digest.update(f"{shape} {info.dtype.name} {'rgb' if info.rgb else 'grey'}".encode())
    for index in sorted({PlaneIndex(), middle, last}):
        plane = source.read_plane(index)
        little_endian = plane.dtype.newbyteorder("<")
        digest.update(np.ascontiguousarray(plane, dtype=little_endian).data)
    return digest.hexdigest()
