"""The selected cells over time, as curves. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np
import numpy.typing as npt

from cellsam_desktop.analysis.measure import Measurement

Numbers = npt.NDArray[np.float64]


class Curve(StrEnum):
    """What a plot shows."""

    AREA = "Area over time"
    POSITION = "x and y over time"
    PATH = "Path"


@dataclass(frozen=True)
class Track:
    """One cell over time: arrays (N,) of frame (0-based), centroid and area, in physical units where known.

    Masks of one frame in several z positions count together: their areas add up, their centroids are
    weighted by area. Where frames are missing a NaN row interrupts the curves.
    """

    cell_id: int
    t: Numbers
    x: Numbers
    y: Numbers
    area: Numbers


def track_of(cell_id: int, rows: Sequence[Measurement], pixel_size: float | None) -> Track:
    """The curves of a cell from its measurements by time."""
    size = pixel_size or 1.0
    points: list[tuple[float, float, float, float]] = []
    for frame, group in groupby(rows, key=lambda row: row.t):
        here = list(group)
        area = sum(row.area for row in here)
        x = sum(row.x * row.area for row in here) / area
        y = sum(row.y * row.area for row in here) / area
        if points and frame > points[-1][0] + 1:
            points.append((np.nan, np.nan, np.nan, np.nan))
        points.append((frame, x * size, y * size, area * size * size))
    table = np.asarray(points, dtype=np.float64).reshape(-1, 4)
    return Track(cell_id, *table.T)
