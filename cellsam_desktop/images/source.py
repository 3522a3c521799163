"""What every opened movie offers: its description and one plane at a time."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.core.records import Calibration

Plane = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths of the five axes of a movie; any may be 1."""

    t: int = 1
    c: int = 1
    z: int = 1
    y: int = 1
    x: int = 1

    @property
    def tczyx(self) -> tuple[int, int, int, int, int]:
        """All five, as a project's link keeps them."""
        return self.t, self.c, self.z, self.y, self.x

    @property
    def tzyx(self) -> tuple[int, int, int, int]:
        """Those of masks, which belong to every channel."""
        return self.t, self.z, self.y, self.x


@dataclass(frozen=True)
class MovieInfo:
    """Everything known about a movie without reading more than its headers.

    ``stored_axes`` are letters of T, C, Z, Y, X and S (colour samples) in stored order, axes of
    length 1 left out except Y and X. ``axes_guessed`` says that the file does not name them.
    With ``rgb`` a plane has shape (Y, X, 3), otherwise (Y, X). ``dtype`` is that of the planes read.
    """

    path: Path
    format: str
    sizes: Sizes
    dtype: np.dtype[Any]
    rgb: bool = False
    stored_axes: str = "YX"
    axes_guessed: bool = False
    channel_names: tuple[str, ...] = ()
    pixel_size_um: float | None = None
    z_step_um: float | None = None
    frame_interval_s: float | None = None

    @property
    def calibration(self) -> Calibration:
        """The scale as the metadata give it."""
        return Calibration(self.pixel_size_um, self.z_step_um, self.frame_interval_s)


def grey_planes(source: ImageSource, channel: int = 0) -> Callable[[int, int], Plane]:
    """What reads the plane (Y, X) of frame t and position z of a channel, colours as their mean.

    It raises ImageError.
    """

    def read(t: int, z: int) -> Plane:
        plane = source.read_plane(PlaneIndex(t, channel, z))
        return plane.mean(axis=2) if plane.ndim == 3 else plane

    return read


class ImageSource(Protocol):
    """An opened movie. ``read_plane`` may be called from any thread."""

    @property
    def info(self) -> MovieInfo:
        """Description of the movie."""
        ...

    def read_plane(self, index: PlaneIndex) -> Plane:
        """One plane, (Y, X) or (Y, X, 3), in native byte order; raises ImageError."""
        ...

    def close(self) -> None:
        """Release the file; reading afterwards raises ImageError."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlaneReader(ABC):
    """Base of the sources: bounds, one lock per file, and the closed state, in one place."""

    def __init__(self, info: MovieInfo) -> None:
        self._info = info
        self._lock = threading.RLock()
        self._closed = False

    @property
    def info(self) -> MovieInfo:
        """Description of the movie."""
        return self._info

    def read_plane(self, index: PlaneIndex) -> Plane:
        """One plane, (Y, X) or (Y, X, 3); raises ImageError outside the movie or on damaged data."""
        name, sizes = self._info.path.name, self._info.sizes
        if not (0 <= index.t < sizes.t and 0 <= index.c < sizes.c and 0 <= index.z < sizes.z):
            raise ImageError(
                f"{name} has {sizes.t} frames, {sizes.c} channels and {sizes.z} z positions; "
                f"choose a plane among them instead of t={index.t}, c={index.c}, z={index.z} (from 0)."
            )
        with self._lock:
            if self._closed:
                raise ImageError(f"{name} has been closed; open it again to read from it.")
            return self._read(index)

    def close(self) -> None:
        """Release the file; harmless when called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _read(self, index: PlaneIndex) -> Plane:
        """Read a plane known to exist; the lock is held."""

    @abstractmethod
    def _release(self) -> None:
        """Close what is open; the lock is held."""
