"""Measurements of all masks over time, made when asked for and again only where a mask changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from cellsam_desktop.analysis.measure import Measurement, measure
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import MaskRecord


class Measurements:
    """Follows a document. ``measured`` counts the masks measured so far, each once per version of it."""

    def __init__(self, document: Document) -> None:
        self.measured = 0
        self._document = document
        self._known: dict[int, dict[PlaneKey, tuple[MaskRecord, Measurement]]] = {}
        document.changed.connect(self._forget)

    def row(self, cell_id: int, key: PlaneKey) -> Measurement | None:
        """The measurement of a cell on a plane, None if it has no mask there."""
        record = self._document.record(cell_id, key)
        return None if record is None else self._measure(cell_id, key, record)

    def rows(self, cell_id: int) -> list[Measurement]:
        """All measurements of a cell, by time and z."""
        track = self._document.track(cell_id)
        return [self._measure(cell_id, key, track[key]) for key in sorted(track)]

    def all_rows(self) -> Iterator[Measurement]:
        """The measurements of every cell, by id, then time and z."""
        for cell_id in self._document.cell_ids:
            yield from self.rows(cell_id)

    def path(self, cell_id: int, t: int, length: int, z: int | None = None) -> list[tuple[int, float, float]]:
        """The way of a cell during the ``length`` frames up to and including ``t``, as (t, x, y) by time.

        Frames without a mask are left out. With ``z`` only that position counts, at a cost that does not grow
        with the track; without it the centroid of a frame is over all its masks.
        """
        first = max(0, t - length + 1)
        if z is not None:
            track = self._document.track(cell_id)
            here = ((key, track.get(key)) for key in _way(first, t, z))
            rows = (self._measure(cell_id, key, record) for key, record in here if record is not None)
            return [(row.t, row.x, row.y) for row in rows]
        frames: dict[int, list[Measurement]] = {}
        for row in self.rows(cell_id):
            if first <= row.t <= t:
                frames.setdefault(row.t, []).append(row)
        return [(frame, *_centre(rows)) for frame, rows in frames.items()]

    def _measure(self, cell_id: int, key: PlaneKey, record: MaskRecord) -> Measurement:
        of_cell = self._known.setdefault(cell_id, {})
        known = of_cell.get(key)
        # Records are immutable, so a job that measures while the document changes cannot leave a stale row.
        if known is not None and known[0] is record:
            return known[1]
        self.measured += 1
        row = measure(cell_id, key, record)
        of_cell[key] = (record, row)
        return row

    def _forget(self, changes: ChangeSet) -> None:
        for cell_id, keys in changes.places.items():
            if (of_cell := self._known.get(cell_id)) is not None:
                for key in keys & of_cell.keys():
                    del of_cell[key]


@lru_cache(maxsize=64)
def _way(first: int, last: int, z: int) -> tuple[PlaneKey, ...]:
    """The planes of some frames at one z: the same for every cell that is drawn."""
    return tuple(PlaneKey(frame, z) for frame in range(first, last + 1))


def _centre(rows: list[Measurement]) -> tuple[float, float]:
    area = sum(row.area for row in rows)
    return sum(row.x * row.area for row in rows) / area, sum(row.y * row.area for row in rows) / area
