"""The short table of masks, which follows the selection; ``detail_table`` has everything.

One line per mask, pixels always, micrometres and seconds where the scale is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cellsam_desktop.analysis.measure import Measurement
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.records import Calibration

Value = str | int | float | None
_Column = tuple[str, Callable[[Measurement, Document, Calibration], Value]]


def columns(calibration: Calibration) -> list[str]:
    """Names of the columns, with their units; ``frame`` and ``z`` are counted from 0."""
    return [name for name, _ in _columns(calibration)]


def rows_of(
    measured: Iterable[Measurement], document: Document, calibration: Calibration
) -> Iterator[list[Value]]:
    """One list of values per measurement, in the order of ``columns``."""
    chosen = _columns(calibration)
    for row in measured:
        yield [value(row, document, calibration) for _, value in chosen]


def _columns(calibration: Calibration) -> list[_Column]:
    """Columns of physical units are there only when the unit is known."""
    known = {
        "time_s": calibration.frame_interval_s,
        "z_um": calibration.z_step_um,
        "centroid_x_um": calibration.pixel_size_um,
        "centroid_y_um": calibration.pixel_size_um,
        "area_um2": calibration.pixel_size_um,
    }
    return [column for column in _ALL if known.get(column[0], 1.0)]


def _scaled(value: float, unit: float | None, power: int = 1) -> float | None:
    return None if unit is None else value * unit**power


_ALL: tuple[_Column, ...] = (
    ("frame", lambda row, _, __: row.t),
    ("time_s", lambda row, _, scale: _scaled(row.t, scale.frame_interval_s)),
    ("id", lambda row, _, __: row.cell_id),
    ("name", lambda row, document, _: document.cell(row.cell_id).name),
    ("z", lambda row, _, __: row.z),
    ("z_um", lambda row, _, scale: _scaled(row.z, scale.z_step_um)),
    ("centroid_x_px", lambda row, _, __: row.x),
    ("centroid_y_px", lambda row, _, __: row.y),
    ("centroid_x_um", lambda row, _, scale: _scaled(row.x, scale.pixel_size_um)),
    ("centroid_y_um", lambda row, _, scale: _scaled(row.y, scale.pixel_size_um)),
    ("area_px", lambda row, _, __: row.area),
    ("area_um2", lambda row, _, scale: _scaled(row.area, scale.pixel_size_um, 2)),
    ("predicted_iou", lambda row, _, __: row.predicted_iou),
    ("source", lambda row, _, __: row.source.value),
    ("mother", lambda row, document, _: document.lineage.mother(row.cell_id)),
)
