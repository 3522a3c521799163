"""What is known about the cells accepted so far, for the next question to the model.

Kept up to date mask by mask: a question costs the same whether the project holds ten masks or a million.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.knowledge import CellFacts, Knowledge, facts_of, previous_for
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import Place, PlaneKey, Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.core.records import MaskRecord, Source

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

# The nearest in time say most about the next one: cells grow, and all of a movie would not say more.
_CELLS = 64

# Of a crowded plane so many masks are looked at for curated ones, and so many of all planes together:
# nearly all of a large project may be propagated.
_LOOKED_AT = 4 * _CELLS
_LOOKED_AT_ALL = 8 * _LOOKED_AT

# Masks farther from the prompts than so many diameters cannot overlap with an answer worth offering.
_REACH = 4.0
_REACH_UNKNOWN = 256.0


class Memory:
    """Makes ``Knowledge`` from the document. ``measured`` counts the masks whose facts were worked out."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._facts: dict[Place, tuple[MaskRecord, CellFacts]] = {}
        self._near: tuple[PlaneKey, Knowledge] | None = None
        self._neighbours: _Neighbours | None = None
        self._last = Knowledge()
        self.measured = 0
        session.movie_changed.connect(self._on_movie)
        session.document_changed.connect(self._on_document)

    @property
    def diameter(self) -> float | None:
        """The typical diameter in pixels of cells accepted near the frame on screen; None without any."""
        return self._around().diameter

    def knowledge(self, prompts: Prompts, target: int | None) -> Knowledge:
        """What to know for ``prompts`` on the plane on screen, of which ``target`` is the cell, if any."""
        movie, key = self._session.movie, self._session.view.key
        if movie is None:
            return Knowledge()
        if self._neighbours is None or self._neighbours.key != key:
            self._neighbours = _Neighbours(movie.document, key)
        cells = self._around().cells
        taken = self._neighbours.near(_surroundings(prompts, self.diameter), target)
        previous = previous_for(prompts, self._previous(movie.document, key, target))
        last = self._last
        if (last.cells, last.taken, last.previous) != (cells, taken, previous):
            self._last = Knowledge(cells, taken, previous)
        return self._last  # with all that was derived from it for the last question

    def _around(self) -> Knowledge:
        movie, key = self._session.movie, self._session.view.key
        if movie is None:
            return Knowledge()
        if self._near is None or self._near[0] != key:
            self._near = key, Knowledge(tuple(self._nearest(movie.document, key)))
        return self._near[1]

    def _nearest(self, document: Document, key: PlaneKey) -> Iterator[CellFacts]:
        """Facts of curated masks, those of the nearest planes first."""
        assert self._session.movie is not None
        frames, left, looks = self._session.movie.info.sizes.t, _CELLS, _LOOKED_AT_ALL
        for distance in range(frames):
            for t in {key.t - distance, key.t + distance}:
                plane = PlaneKey(t, key.z)
                looks -= min(document.count_on(plane), _LOOKED_AT)
                if looks < 0:
                    return
                for record_key in ((i, plane) for i in document.cells_on(plane)[:_LOOKED_AT]):
                    record = document.record(*record_key)
                    if record is not None and record.source is not Source.PROPAGATED:
                        yield self._facts_of(record_key, record)
                        left -= 1
                        if not left:
                            return

    def _facts_of(self, place: Place, record: MaskRecord) -> CellFacts:
        known = self._facts.get(place)
        if known is None or known[0] is not record:
            self.measured += 1
            known = self._facts[place] = record, facts_of(record.mask)
        return known[1]

    def _previous(self, document: Document, key: PlaneKey, target: int | None) -> Mask | None:
        """The target's mask in the frame she comes from, or else in the one beyond."""
        if target is None:
            return None
        back = self._session.view.play_direction
        records = (document.record(target, key._replace(t=key.t + step)) for step in (-back, back))
        return next((record.mask for record in records if record is not None), None)

    def _on_movie(self) -> None:
        self._facts.clear()
        self._near = self._neighbours = None
        self._last = Knowledge()

    def _on_document(self, changes: ChangeSet) -> None:
        if changes.places:
            for place in [p for p in self._facts if p[1] in changes.places.get(p[0], ())]:
                del self._facts[place]
            self._near = None
            if self._neighbours is not None and self._neighbours.key in changes.planes:
                self._neighbours = None


class _Neighbours:
    """The masks of one plane with their boxes in one array, to find those that lie near a place."""

    def __init__(self, document: Document, key: PlaneKey) -> None:
        records = ((cell_id, document.record(cell_id, key)) for cell_id in document.cells_on(key))
        self.key = key
        self._masks = [(cell_id, record.mask) for cell_id, record in records if record is not None]
        boxes = [(m.y0, m.x0, m.y0 + m.height, m.x0 + m.width) for _, m in self._masks]
        self._boxes: NDArray[np.int64] = np.array(boxes, np.int64).reshape(-1, 4)

    def near(self, region: Region, but: int | None) -> tuple[Mask, ...]:
        """The masks whose boxes meet ``region``, except that of the cell ``but``."""
        y0, x0, y1, x1 = self._boxes.T
        meet: NDArray[Any] = (y0 < region.y1) & (y1 > region.y0) & (x0 < region.x1) & (x1 > region.x0)
        chosen = (self._masks[number] for number in np.flatnonzero(meet))
        return tuple(mask for cell_id, mask in chosen if cell_id != but)


def _surroundings(prompts: Prompts, diameter: float | None) -> Region:
    """Where an answer to ``prompts`` may lie."""
    xs, ys = zip(*(prompts.corners or [(0.0, 0.0)]), strict=True)
    reach = _REACH_UNKNOWN if diameter is None else _REACH * diameter
    y0, x0 = int(min(ys) - reach), int(min(xs) - reach)
    return Region(y0, x0, int(max(ys) + reach) - y0, int(max(xs) + reach) - x0)
