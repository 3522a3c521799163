"""The table of everything measured: a line per mask, pixels always, physical units where they are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import tee

from cellsam_desktop.analysis.details import Detail
from cellsam_desktop.analysis.table import Value, columns, rows_of
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.records import Calibration

_TEXT = frozenset({"name", "source"})
_WHOLE = frozenset({"frame", "id", "z", "area_px", "neighbours", "cycle_frames", "mother"})
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, with its unit, and the type of its values; any may be None."""

    name: str
    kind: type[int] | type[float] | type[str]


def detail_columns(calibration: Calibration, channels: Iterable[str] = ()) -> list[Column]:
    """What ``detail_rows`` gives, for channels of these names, see ``Intensities``."""
    names = [*columns(calibration), *(name for name, _ in _measured(calibration))]
    names += [f"intensity_{what}_{channel}" for channel in channels for what in ("mean", "total")]
    return [Column(name, _kind(name)) for name in names]


def detail_rows(
    details: Iterable[Detail], document: Document, calibration: Calibration
) -> Iterator[list[Value]]:
    """One list of values per mask, in the order of ``detail_columns``."""
    measured = _measured(calibration)
    found, again = tee(details)
    plain_rows = rows_of((detail.row for detail in again), document, calibration)
    for detail, plain in zip(found, plain_rows, strict=True):
        bright = [value for each in detail.intensities for value in (each.mean, each.total)]
        yield [*plain, *(value(detail) for _, value in measured), *bright]


def _kind(name: str) -> type[int] | type[float] | type[str]:
    return str if name in _TEXT else int if name in _WHOLE else float


def _measured(calibration: Calibration) -> list[tuple[str, Callable[[Detail], Value]]]:
    """Columns of physical units are there only when the unit is known."""
    size, interval = calibration.pixel_size_um, calibration.frame_interval_s
    found: list[tuple[str, Callable[[Detail], Value]]] = [("perimeter_px", lambda d: d.perimeter)]
    if size:
        found.append(("perimeter_um", lambda d: d.perimeter * size))
    found += [("eccentricity", lambda d: d.eccentricity), ("displacement_px", lambda d: d.displacement)]
    if size:
        found.append(("displacement_um", lambda d: _times(d.displacement, size)))
    found.append(("speed_px_per_frame", _speed))
    if size and interval:
        found.append(("speed_um_per_min", lambda d: _times(_speed(d), size * _MINUTE_S / interval)))
    found += [("neighbours", lambda d: d.neighbours), ("cycle_frames", lambda d: d.cycle)]
    if interval:
        found.append(("cycle_min", lambda d: _times(d.cycle, interval / _MINUTE_S)))
    return found


def _speed(detail: Detail) -> float | None:
    """Displacement by the frames it took, so that a gap does not look like haste."""
    if detail.displacement is None or detail.elapsed is None:
        return None
    return detail.displacement / detail.elapsed


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
