"""Everything that is measured of each mask: shape, movement, neighbours, cell cycle, brightness."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cellsam_desktop.analysis.intensity import Intensities, Intensity
from cellsam_desktop.analysis.measure import Measurement, measure
from cellsam_desktop.analysis.neighbours import neighbour_counts
from cellsam_desktop.analysis.shape import eccentricity, perimeter
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import Place
from cellsam_desktop.core.progress import Report

_NOTHING = Intensities()
_REPORT_EVERY = 500


@dataclass(frozen=True, slots=True)
class Detail:
    """One mask with its past: lengths in pixels, times in frames.

    ``displacement`` is the way of the centroid from the cell's mask before at the same z, which lies
    ``elapsed`` frames back; both are None for the first one. ``cycle`` is the cell-cycle length, see
    ``cycle_length``.
    """

    row: Measurement
    perimeter: float
    eccentricity: float
    displacement: float | None
    elapsed: int | None
    neighbours: int
    cycle: int | None
    intensities: tuple[Intensity, ...]


def cycle_length(document: Document, cell_id: int) -> int | None:
    """Frames from the cell's birth to that of its daughters; None unless both were seen."""
    daughters, span = document.lineage.daughters(cell_id), document.span(cell_id)
    if daughters is None or span is None or document.lineage.mother(cell_id) is None:
        return None
    births = [birth[0] for daughter in daughters if (birth := document.span(daughter))]
    return min(births) - span[0] if births else None


def details(
    document: Document,
    cells: Iterable[int] | None = None,
    intensities: Intensities = _NOTHING,
    progress: Report = lambda _: None,
) -> Iterator[Detail]:
    """All masks of these cells (None: of all), by cell, frame and z.

    ``progress`` gets the fraction done, and may raise to cancel.
    """
    chosen = document.cell_ids if cells is None else list(cells)
    touching = _Neighbours(document, chosen, lambda done: progress(0.5 * done))
    total, done = sum(len(document.track(cell_id)) for cell_id in chosen), 0
    for cell_id in chosen:
        for detail in _of_cell(document, cell_id, touching, intensities):
            if done % _REPORT_EVERY == 0:
                progress(0.5 + 0.5 * done / total)
            done += 1
            yield detail


def _of_cell(
    document: Document, cell_id: int, touching: _Neighbours, intensities: Intensities
) -> Iterator[Detail]:
    track, cycle = document.track(cell_id), cycle_length(document, cell_id)
    before: dict[int, Measurement] = {}
    for key in sorted(track):
        row, mask = measure(cell_id, key, track[key]), track[key].mask
        last = before.get(key.z)
        before[key.z] = row
        yield Detail(
            row,
            perimeter(mask),
            eccentricity(mask),
            None if last is None else math.hypot(row.x - last.x, row.y - last.y),
            None if last is None else row.t - last.t,
            touching.counts[cell_id, key],
            cycle,
            intensities.of.get((cell_id, key), ()),
        )


class _Neighbours:
    """How many cells touch each mask of the ``chosen`` cells: of all cells, also of those not chosen."""

    def __init__(self, document: Document, chosen: list[int], progress: Report) -> None:
        self.counts: dict[Place, int] = {}
        planes = sorted({key for cell_id in chosen for key in document.track(cell_id)})
        for number, key in enumerate(planes):
            progress(number / len(planes))
            records = {cell_id: document.record(cell_id, key) for cell_id in document.cells_on(key)}
            masks = {cell_id: record.mask for cell_id, record in records.items() if record is not None}
            self.counts.update({(cell_id, key): n for cell_id, n in neighbour_counts(masks).items()})
