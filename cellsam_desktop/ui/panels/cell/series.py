"""The selected cells over time, as curves. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np
import numpy.typing as npt

from cellsam_desktop.analysis.measure import Measurement
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.curation.curves import Quantity

Numbers = npt.NDArray[np.float64]


class Curve(StrEnum):
    """What a plot shows over time; ``PATH`` is y over x."""

    AREA = "Area"
    SPEED = "Speed"
    DISPLACEMENT = "Displacement"
    POSITION = "x and y"
    PATH = "Path"
    PERIMETER = Quantity.PERIMETER.value
    ECCENTRICITY = Quantity.ECCENTRICITY.value
    NEIGHBOURS = Quantity.NEIGHBOURS.value
    INTENSITY = Quantity.INTENSITY.value

    @property
    def quantity(self) -> Quantity | None:
        """What has to be measured in the background for it, if anything."""
        return Quantity(self.value) if self.value in set(Quantity) else None


@dataclass(frozen=True)
class Track:
    """One cell over time: arrays (N,) of frame (0-based), centroid, area, speed since the mask before, and
    displacement since the first one, in physical units where known.

    Masks of one frame in several z positions count together: their areas add up, their centroids are
    weighted by area. Where frames are missing a NaN row interrupts the curves.
    """

    cell_id: int
    t: Numbers
    x: Numbers
    y: Numbers
    area: Numbers
    speed: Numbers
    displacement: Numbers


def track_of(cell_id: int, rows: Sequence[Measurement], scale: Calibration) -> Track:
    """The curves of a cell from its measurements by time."""
    points = np.array([_point(t, list(group)) for t, group in groupby(rows, key=lambda row: row.t)])
    t, x, y, area = points.reshape(-1, 4).T
    size = scale.pixel_size_um or 1.0
    x, y, area = x * size, y * size, area * size * size
    minutes = np.diff(t) * (1.0 if scale.frame_interval_s is None else scale.frame_interval_s / 60)
    speed = np.hypot(np.diff(x), np.diff(y)) / minutes
    speed = np.concatenate([np.full(min(1, t.size), np.nan), speed])
    displacement = np.hypot(x - x[:1], y - y[:1])
    table = np.stack([t, x, y, area, speed, displacement])
    gaps = np.flatnonzero(np.diff(t) > 1) + 1
    return Track(cell_id, *np.insert(table, gaps, np.nan, axis=1))


def _point(t: int, here: Sequence[Measurement]) -> tuple[float, float, float, float]:
    """Frame, centroid (x, y) and area of all masks of a frame."""
    area = sum(row.area for row in here)
    x = sum(row.x * row.area for row in here) / area
    y = sum(row.y * row.area for row in here) / area
    return t, x, y, area
