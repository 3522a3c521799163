"""Measurements of all masks over time, made when asked for and again only where a mask changed."""

from __future__ import annotations

from collections.abc import Iterator

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
        self._known: dict[tuple[int, PlaneKey], tuple[MaskRecord, Measurement]] = {}
        document.changed.connect(self._forget)

    def row(self, cell_id: int, key: PlaneKey) -> Measurement | None:
        """The measurement of a cell on a plane, None if it has no mask there."""
        record = self._document.record(cell_id, key)
        if record is None:
            return None
        known = self._known.get((cell_id, key))
        # Records are immutable, so a job that measures while the document changes cannot leave a stale row.
        if known is not None and known[0] is record:
            return known[1]
        self.measured += 1
        row = measure(cell_id, key, record)
        self._known[cell_id, key] = (record, row)
        return row

    def rows(self, cell_id: int) -> list[Measurement]:
        """All measurements of a cell, by time and z."""
        rows = (self.row(cell_id, key) for key in sorted(self._document.track(cell_id)))
        return [row for row in rows if row is not None]

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
            rows = (self.row(cell_id, PlaneKey(frame, z)) for frame in range(first, t + 1))
            return [(row.t, row.x, row.y) for row in rows if row is not None]
        frames: dict[int, list[Measurement]] = {}
        for row in self.rows(cell_id):
            if first <= row.t <= t:
                frames.setdefault(row.t, []).append(row)
        return [(frame, *_centre(rows)) for frame, rows in frames.items()]

    def _forget(self, changes: ChangeSet) -> None:
        for place in changes.masks:
            self._known.pop(place, None)


def _centre(rows: list[Measurement]) -> tuple[float, float]:
    area = sum(row.area for row in rows)
    return sum(row.x * row.area for row in rows) / area, sum(row.y * row.area for row in rows) / area
