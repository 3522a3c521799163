"""The compact form of a mask's pixels, and how many unpacked ones are kept.

A project may hold hundreds of thousands of masks of which a frame shows a few dozen. So masks that come from
a project or go into one are kept packed, and unpacked when somebody looks at their pixels.
"""

from __future__ import annotations

import threading
import zlib
from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]

KEPT_BYTES = 64 * 1024**2
"""Unpacked pixels that are kept at most, in bytes; the oldest are let go first."""
_ARRAY_BYTES = 200
"""About what an array takes besides its pixels."""


def pack(bits: BoolArray) -> bytes:
    """Pixels (height, width), eight to a byte, row after row, the first in the highest bit, then deflated."""
    return zlib.compress(np.packbits(bits).tobytes(), level=1)


def unpack(packed: bytes, height: int, width: int) -> BoolArray:
    """The inverse of ``pack``, read-only.

    Raises:
        ValueError, TypeError, zlib.error: ``packed`` is damaged or of another size.
    """
    data = zlib.decompress(packed)
    check_size(len(data), height, width)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=height * width).view(np.bool_)
    bits.setflags(write=False)
    return bits.reshape(height, width)


def check(packed: bytes, height: int, width: int) -> None:
    """Find damage without unpacking to pixels.

    Raises:
        ValueError, TypeError, zlib.error: see ``unpack``.
    """
    check_size(len(zlib.decompress(packed)), height, width)


def check_size(size: int, height: int, width: int) -> None:
    """Raise ValueError unless ``size`` bytes hold the pixels of a box of this height and width."""
    if height < 1 or width < 1 or size != (height * width + 7) // 8:
        raise ValueError(f"{size} bytes for {height} x {width} pixels")


class Unpackable(Protocol):
    """What can let go of its pixels because it can unpack them again."""

    def let_go(self) -> None:
        """Drop the unpacked pixels."""


class Kept:
    """Those whose pixels were unpacked last, as many as ``limit`` bytes hold. Any thread may use it.

    ``unpacked`` counts how often pixels were unpacked.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self.limit = limit
        self.unpacked = 0
        self._lock = threading.Lock()
        self._queue: deque[tuple[Unpackable, int]] = deque()
        self._bytes = 0

    def add(self, owner: Unpackable, nbytes: int) -> None:
        """Take note of ``nbytes`` more pixels, and let go of the oldest beyond the limit."""
        nbytes += _ARRAY_BYTES
        with self._lock:
            self._queue.append((owner, nbytes))
            self._bytes += nbytes
            while self._bytes > self.limit:
                oldest, size = self._queue.popleft()
                self._bytes -= size
                oldest.let_go()


kept = Kept()
"""The unpacked pixels of this process."""
