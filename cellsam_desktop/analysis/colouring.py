"""By what cells are coloured: rows of a colour table from lineage, generation, or a value over time."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from cellsam_desktop.analysis.intensity import Intensities
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.lineage import Lineage
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.progress import Report
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
    INTENSITY = "intensity"

    @property
    def measured(self) -> bool:
        """Whether it is a value that changes from frame to frame."""
        return self in (ColourBy.AREA, ColourBy.SPEED, ColourBy.INTENSITY)


@dataclass(frozen=True, eq=False)
class History:
    """The value of one cell over time: (N,) from frame ``first`` on, NaN where there is none."""

    first: int
    values: Values

    def at(self, t: int) -> float:
        """The value on a frame, NaN where there is none."""
        return float(self.values[t - self.first]) if 0 <= t - self.first < self.values.size else math.nan


Records = dict[int, list[tuple[PlaneKey, MaskRecord]]]
NO_HISTORY = History(0, np.zeros(0))
_DARK = Intensities()


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
    if by is ColourBy.INTENSITY:
        return ""
    return f"{length}/frame" if scale.frame_interval_s is None else f"{length}/min"


def history(
    document: Document,
    cell_id: int,
    by: ColourBy,
    bright: Intensities = _DARK,
    known: History = NO_HISTORY,
    changed: Collection[int] | None = None,
) -> History:
    """A measured value of a cell on all its frames; with ``changed`` only those frames and the ones after
    them are measured, and the others taken from ``known``.

    Masks of one frame in several z positions count together. The speed on a frame is the way from the
    centroid on the last frame before that has one, per time. The intensity, from ``bright``, is the mean
    over all channels there.
    """
    here: Records = {}
    for key, record in document.track(cell_id).items():
        here.setdefault(key.t, []).append((key, record))
    if not here:
        return NO_HISTORY
    frames = sorted(here)
    values = np.full(frames[-1] - frames[0] + 1, math.nan)
    for before, t in zip([None, *frames], frames, strict=False):
        stale = changed is None or t in changed or before in changed
        values[t - frames[0]] = (
            _value(document, cell_id, by, bright, here, before, t) if stale else known.at(t)
        )
    return History(frames[0], values)


def histories(
    document: Document,
    by: ColourBy,
    cell_ids: Iterable[int] | None = None,
    bright: Intensities = _DARK,
    progress: Report = lambda _: None,
) -> dict[int, History]:
    """A measured value of these cells (None: all); ``progress`` is called with the part done."""
    ids = document.cell_ids if cell_ids is None else list(cell_ids)
    found = {}
    for number, cell_id in enumerate(ids):
        progress(number / len(ids))
        found[cell_id] = history(document, cell_id, by, bright)
    return found


def _value(
    document: Document,
    cell_id: int,
    by: ColourBy,
    bright: Intensities,
    here: Records,
    before: int | None,
    t: int,
) -> float:
    scale = document.calibration
    size = scale.pixel_size_um or 1.0
    masks = [record.mask for _, record in here[t]]
    if by is ColourBy.AREA:
        return sum(mask.area for mask in masks) * size * size
    if by is ColourBy.INTENSITY:
        means = [_brightness(bright, cell_id, key) for key, _ in here[t]]
        return float(np.average(means, weights=[mask.area for mask in masks]))
    if before is None:
        return math.nan
    way = math.dist(_centroid(masks), _centroid([record.mask for _, record in here[before]]))
    minutes = 1.0 if scale.frame_interval_s is None else scale.frame_interval_s / 60
    return way * size / ((t - before) * minutes)


def _brightness(bright: Intensities, cell_id: int, key: PlaneKey) -> float:
    """The mean over all channels, NaN where nothing was measured."""
    measured = bright.of.get((cell_id, key), ())
    return sum(channel.mean for channel in measured) / len(measured) if measured else math.nan


def _centroid(masks: list[Mask]) -> tuple[float, float]:
    if len(masks) == 1:
        return masks[0].centroid
    areas = np.array([mask.area for mask in masks])
    x, y = areas @ np.array([mask.centroid for mask in masks]) / areas.sum()
    return float(x), float(y)
