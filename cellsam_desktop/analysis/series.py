"""Measurements of all masks over time, made when asked for and again only where a mask changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cellsam_desktop.analysis.measure import Measurement, measure
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import MaskRecord

Place = tuple[float, float]
Step = tuple[int, float, float]

# So many planes at least keep their centroids: stepping to and fro does not work them out again.
_PLANES = 64


class Measurements:
    """Follows a document. ``measured`` counts the masks measured so far, each once per version of it;
    ``centred`` those of which only the centroid was worked out, for the paths of a frame.
    """

    def __init__(self, document: Document) -> None:
        self.measured = self.centred = 0
        self._document = document
        self._centres: dict[PlaneKey, dict[int, Place]] = {}
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

    def prepare_paths(self, t: int, length: int, z: int, most: int) -> bool:
        """Work out what ``paths`` needs, plane by plane, until about ``most`` centroids were added.

        Returns whether nothing is left to do.
        """
        added = 0
        for key in _way(t, length, z):
            if key not in self._centres:
                if added >= most:
                    return False
                added += self._document.count_on(key)
                self._centres_on(key)
        return True

    def paths(self, ids: Iterable[int], t: int, length: int, z: int) -> Iterator[tuple[int, list[Step]]]:
        """The way of each cell at one z during the ``length`` frames up to and including ``t``, as (t, x, y).

        Frames without a mask are left out, and cells without any. Made for frames full of cells: centroids
        are kept plane by plane, so that a step works out those of one plane.
        """
        planes = [(key.t, self._centres_on(key)) for key in _way(t, length, z)]
        for old in list(self._centres)[: max(0, len(self._centres) - max(_PLANES, 2 * length))]:
            del self._centres[old]
        for cell_id in ids:
            steps = [(frame, *place) for frame, places in planes if (place := places.get(cell_id))]
            if steps:
                yield cell_id, steps

    def _centres_on(self, key: PlaneKey) -> dict[int, Place]:
        places = self._centres.pop(key, None)
        if places is None:
            places = {}
            for cell_id in self._document.cells_on(key):
                self._put_centre(places, cell_id, key)
        self._centres[key] = places  # the last planes asked for come last
        return places

    def _put_centre(self, places: dict[int, Place], cell_id: int, key: PlaneKey) -> None:
        record = self._document.record(cell_id, key)
        if record is None:
            places.pop(cell_id, None)
        else:
            self.centred += 1
            places[cell_id] = record.mask.centroid

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
            for key in keys & self._centres.keys():
                self._put_centre(self._centres[key], cell_id, key)


def _way(t: int, length: int, z: int) -> list[PlaneKey]:
    """The planes of the ``length`` frames up to and including ``t``."""
    return [PlaneKey(frame, z) for frame in range(max(0, t - length + 1), t + 1)]
