"""The movie as the encoder worker reads it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.contrast import model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource, Plane
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef


class WorkerMovie:
    """Opened at the first target: a movie that cannot be opened fails its targets and nothing else.

    The last plane is kept, because several looks at it often follow each other; ``reads`` counts the others.
    """

    def __init__(self, movie: MovieRef) -> None:
        self._movie = movie
        self._source: ImageSource | None = None
        self._refusal: ImageError | None = None
        self._last: tuple[PlaneIndex, Plane] | None = None
        self.reads = 0

    def image(self, target: EncodeTarget) -> NDArray[np.uint8]:
        """What the encoder sees of a target: (height, width, 3).

        Raises:
            ImageError: the movie cannot be opened or read, or the target lies outside.
        """
        plane, region = self._plane(target.index), target.region
        height, width = plane.shape[:2]
        if min(region.y0, region.x0) < 0 or region.y1 > height or region.x1 > width:
            raise ImageError(
                f"{region} reaches beyond the {width} x {height} pixels of {self._movie.path.name}."
            )
        return model_image(plane[region.slices], self._movie.contrast[target.index.c])

    def _plane(self, index: PlaneIndex) -> Plane:
        if self._last is None or self._last[0] != index:
            self._last = None  # two planes at once may be too much
            self._last = index, self._open().read_plane(index)
            self.reads += 1
        return self._last[1]

    def close(self) -> None:
        """Let go of the file."""
        self._last = None
        if self._source is not None:
            self._source.close()
            self._source = None

    def _open(self) -> ImageSource:
        if self._refusal is not None:
            raise self._refusal
        if self._source is None:
            try:
                self._source = open_source(self._movie.path, self._movie.axes)
            except ImageError as error:
                self._refusal = error
                raise
        return self._source
