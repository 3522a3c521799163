"""The planes of the training data, read one at a time, as inference reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.contrast import Contrast, measure_contrast, model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource

_CONTRAST_PLANES = 32
"""The window measures the contrast on at most so many planes, shared among the channels."""

Image = NDArray[np.uint8]


class LastImage:
    """The image read last, because several looks at it often follow each other."""

    def __init__(self) -> None:
        self._last: tuple[TrainingMovie, PlaneIndex, Image] | None = None
        self.reads = 0

    def of(self, movie: TrainingMovie, index: PlaneIndex) -> Image:
        """The plane ``index`` of ``movie``, (height, width, 3), read-only."""
        last = self._last
        if last is not None and last[0] is movie and last[1] == index:
            return last[2]
        self._last = None  # two large planes at once may be too much
        image = movie.read(index)
        self._last = (movie, index, image)
        self.reads += 1
        return image


@dataclass(frozen=True, eq=False)
class TrainingMovie:
    """A movie or image on disk. Nothing stays open between reads.

    ``axes`` are those that were chosen for it (None: what the file says), ``chosen`` the contrast of
    ``channel`` that was set in the window (None: measured over the whole movie, as in the window).
    """

    path: Path
    axes: str | None = None
    channel: int = 0
    chosen: Contrast | None = None
    last: LastImage = field(default_factory=LastImage, repr=False)

    def open(self) -> ImageSource:
        """The movie, to be closed by the caller. Raises ImageError."""
        return open_source(self.path, self.axes)

    @cached_property
    def contrast(self) -> Contrast:
        """What is shown black and white. Raises ImageError."""
        if self.chosen is not None:
            return self.chosen
        with self.open() as source:
            frames = max(1, min(8, _CONTRAST_PLANES // source.info.sizes.c))
            return measure_contrast(source, self.channel, frames=frames)

    def image(self, t: int, z: int) -> Image:
        """What the encoder sees of a plane: RGB (height, width, 3), read-only. Raises ImageError."""
        return self.last.of(self, PlaneIndex(t, self.channel, z))

    def read(self, index: PlaneIndex) -> Image:
        """Read a plane from disk. Raises ImageError."""
        contrast = self.contrast
        with self.open() as source:
            image = model_image(source.read_plane(index), contrast)
        image.setflags(write=False)
        return image

    def size(self) -> tuple[int, int, int, int]:
        """Lengths of T, Z, Y, X. Raises ImageError, also when there is no such channel."""
        with self.open() as source:
            sizes = source.info.sizes
        if self.channel >= sizes.c:
            raise ImageError(f"{self.path.name} has {sizes.c} channels: it is not the movie of this project.")
        return sizes.tzyx
