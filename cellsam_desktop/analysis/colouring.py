"""By what cells are coloured: rows of a colour table from lineage, generation, or a value over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.lineage import Lineage
from cellsam_desktop.core.records import Calibration, MaskRecord

ROWS = 255
"""Colours of a table, from 1 on; row 0 stands for "no cell"."""
NO_VALUE = 255
"""The row of a cell that has no value; values have the rows before it."""

_RANGE = (2.0, 98.0)
"""Percentiles of all values that get the first and the last colour: one outlier shall not make all alike."""

Rows = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]


class ColourBy(StrEnum):
    """What the colour of a cell tells."""

    CELL = "cell"
    LINEAGE = "lineage"
    GENERATION = "generation"
    AREA = "area"
    SPEED = "speed"

    @property
    def measured(self) -> bool:
        """Whether it is a value that changes from frame to frame."""
        return self in (ColourBy.AREA, ColourBy.SPEED)


@dataclass(frozen=True, eq=False)
class History:
    """The value of one cell over time: (N,) from frame ``first`` on, NaN where there is none."""

    first: int
    values: Values

    def at(self, t: int) -> float:
        """The value on a frame, NaN where there is none."""
        return float(self.values[t - self.first]) if 0 <= t - self.first < self.values.size else math.nan


def lineage_rows(lineage: Lineage, cell_ids: Iterable[int]) -> dict[int, int]:
    """The row of each founder: that of its id, or the next one free, so that 255 lineages all differ."""
    rows: dict[int, int] = {}
    taken: set[int] = set()
    for founder in sorted(i for i in cell_ids if lineage.mother(i) is None):
        row = (founder - 1) % ROWS + 1
        while row in taken and len(taken) < ROWS:
            row = row % ROWS + 1
        taken.add(row)
        rows[founder] = row
    return rows


def last_generation(lineage: Lineage) -> int:
    """The highest generation that any cell has."""
    return max((lineage.generation(mother) + 1 for mother, _ in lineage.divisions()), default=0)


def rows_between(values: npt.ArrayLike, low: float, high: float) -> Rows:
    """Rows from 1 on for values from ``low`` to ``high``, clipped; ``NO_VALUE`` for NaN."""
    numbers = np.asarray(values, np.float64)
    share = (numbers - low) / (high - low) if high > low else 0.5 + 0.5 * np.sign(numbers - low)
    rows = 1 + np.rint(np.clip(np.nan_to_num(share), 0, 1) * (NO_VALUE - 2))
    return np.where(np.isnan(numbers), NO_VALUE, rows).astype(np.uint8)


def range_of(histories: Collection[History]) -> tuple[float, float] | None:
    """Between which values the colours change; None without any value."""
    every = np.concatenate([history.values for history in histories]) if histories else np.zeros(0)
    every = every[~np.isnan(every)]
    if not every.size:
        return None
    low, high = np.percentile(every, _RANGE)
    return float(low), float(high)


def unit(by: ColourBy, scale: Calibration) -> str:
    """The unit of a measured value."""
    length = "px" if scale.pixel_size_um is None else "µm"
    if by is ColourBy.AREA:
        return "px" if scale.pixel_size_um is None else "µm²"
    return f"{length}/frame" if scale.frame_interval_s is None else f"{length}/min"


def history(document: Document, cell_id: int, by: ColourBy) -> History:
    """A measured value of a cell on all its frames.

    Masks of one frame in several z positions count together. The speed on a frame is the way from the
    centroid on the last frame before that has one, per time.
    """
    here: dict[int, list[MaskRecord]] = {}
    for key, record in document.track(cell_id).items():
        here.setdefault(key.t, []).append(record)
    if not here:
        return History(0, np.zeros(0))
    frames = sorted(here)
    values = np.full(frames[-1] - frames[0] + 1, math.nan)
    measured = _areas if by is ColourBy.AREA else _speeds
    values[np.array(frames) - frames[0]] = measured(frames, here, document.calibration)
    return History(frames[0], values)


def histories(
    document: Document, by: ColourBy, progress: Callable[[float], None] = lambda _: None
) -> Mapping[int, History]:
    """A measured value of all cells; ``progress`` is called with the part done."""
    ids = document.cell_ids
    found = {}
    for number, cell_id in enumerate(ids):
        progress(number / len(ids))
        found[cell_id] = history(document, cell_id, by)
    return found


def _areas(frames: list[int], here: Mapping[int, list[MaskRecord]], scale: Calibration) -> Values:
    size = scale.pixel_size_um or 1.0
    return np.array([sum(record.mask.area for record in here[t]) * size * size for t in frames], np.float64)


def _speeds(frames: list[int], here: Mapping[int, list[MaskRecord]], scale: Calibration) -> Values:
    """NaN for the first frame of a cell."""
    places = np.array([_centroid(here[t]) for t in frames]).reshape(-1, 2) * (scale.pixel_size_um or 1.0)
    way = np.hypot(*np.diff(places, axis=0).T)
    time = np.diff(frames) * (1.0 if scale.frame_interval_s is None else scale.frame_interval_s / 60)
    return np.concatenate([[math.nan], way / time])


def _centroid(records: list[MaskRecord]) -> tuple[float, float]:
    areas = np.array([record.mask.area for record in records])
    x, y = areas @ np.array([record.mask.centroid for record in records]) / areas.sum()
    return float(x), float(y)
