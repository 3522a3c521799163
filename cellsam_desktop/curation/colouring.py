"""The colours of cells as rows of a colour table: by what the curator chose, in step with the document."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from cellsam_desktop.analysis import colouring
from cellsam_desktop.analysis.colouring import NO_HISTORY, NO_VALUE, ROWS, ColourBy, History, Rows
from cellsam_desktop.analysis.intensity import Intensities, measure_intensities
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.images.source import ImageSource
from cellsam_desktop.jobs.runner import Job, Progress

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_FEW = 2000
"""More changed masks than this are measured in the background."""


@dataclass(frozen=True)
class Legend:
    """What the first and the last colour mean."""

    title: str
    low: float
    high: float
    unit: str


class Colouring:
    """Gives cells their rows. ``changed`` says that cells have other ones now; that measured values follow
    the frame on screen is left to those who follow it anyway. ``passes`` counts measurements of all cells.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.passes = 0
        self._by = self.by
        self._founders: Mapping[int, int] | None = None
        self._generations: int | None = None
        self._histories: dict[int, History] = {}
        self._range: tuple[float, float] | None = None
        self._job: Job | None = None
        self._missed: set[int] = set()
        session.movie_changed.connect(self._on_movie)
        session.document_changed.connect(self._on_document)
        session.view.changed.connect(self._on_view)

    @property
    def by(self) -> ColourBy:
        """By what cells are coloured."""
        return self._session.view.colour_by

    @property
    def legend(self) -> Legend | None:
        """What a scale of colours means, None where colours only tell cells or lineages apart."""
        movie = self._session.movie
        if movie is None:
            return None
        if self.by is ColourBy.GENERATION:
            return Legend("Generation", 0, self._last_generation, "")
        if not self.by.measured or self._range is None:
            return None
        return Legend(
            self.by.value.capitalize(), *self._range, colouring.unit(self.by, movie.document.calibration)
        )

    def row(self, cell_id: int) -> int:
        """The row of a cell on the frame on screen."""
        return int(self.rows([cell_id])[0])

    def rows(self, cell_ids: Iterable[int]) -> Rows:
        """The rows of cells on the frame on screen."""
        ids, movie = np.fromiter(cell_ids, np.int64), self._session.movie
        by = self.by if movie is not None else ColourBy.CELL
        if movie is None or by is ColourBy.CELL:
            return ((ids - 1) % ROWS + 1).astype(np.uint8)
        lineage = movie.document.lineage
        if by is ColourBy.LINEAGE:
            rows = self._founder_rows
            # Who draws cells may ask for one a moment after she was deleted.
            return np.array([rows.get(lineage.founder(i), NO_VALUE) for i in ids.tolist()], np.uint8)
        if by is ColourBy.GENERATION:
            generations = [lineage.generation(i) for i in ids.tolist()]
            return colouring.rows_between(generations, 0, max(self._last_generation, 1))
        if self._range is None:
            return np.full(ids.size, NO_VALUE, np.uint8)
        t = self._session.view.t
        values = [self._history(i).at(t) for i in ids.tolist()]
        return colouring.rows_between(values, *self._range)

    def rows_over_time(self, cell_id: int, first: int, last: int) -> Rows:
        """The rows of a cell on frames ``first`` to ``last``, of a measured value."""
        values = np.full(last - first + 1, math.nan)
        known = self._history(cell_id)
        begin, end = max(first, known.first), min(last + 1, known.first + known.values.size)
        if begin < end:
            values[begin - first : end - first] = known.values[begin - known.first : end - known.first]
        low, high = self._range or (0.0, 0.0)
        return colouring.rows_between(values, low, high)

    # -- following -----------------------------------------------------------------------------------

    def _on_movie(self) -> None:
        self._by = self.by
        self._forget()
        self._measure()

    def _on_view(self, names: frozenset[str]) -> None:
        if self.by is not self._by or ("c" in names and self.by is ColourBy.INTENSITY):
            self._on_movie()
            self.changed.emit()

    def _on_document(self, changes: ChangeSet) -> None:
        by = self.by
        if by in (ColourBy.LINEAGE, ColourBy.GENERATION) and (changes.lineage or changes.cells):
            self._founders = self._generations = None
            if changes.lineage:
                self.changed.emit()
        if not by.measured or not (changes.places or changes.calibration):
            return
        if changes.calibration or changes.mask_count > _FEW:
            self._forget()
            self._measure()
        elif self._job is not None:
            self._missed |= changes.places.keys()
        elif by is ColourBy.INTENSITY:
            self._measure(changes.places)
        else:
            self._measure_again(changes.places)
            self.changed.emit()

    def _forget(self) -> None:
        self._founders = self._generations = self._range = None
        self._histories, self._missed = {}, set()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    # -- measuring -----------------------------------------------------------------------------------

    def _measure(self, cells: Collection[int] | None = None) -> None:
        """Measure these cells (None: all) in the background."""
        movie, by = self._session.movie, self.by
        if movie is None or not by.measured:
            return
        document, source, channel = movie.document.snapshot(), movie.source, self._session.view.c
        ids = None if cells is None else [i for i in cells if i in document]

        def work(progress: Progress) -> Mapping[int, History]:
            bright = Intensities()
            if by is ColourBy.INTENSITY:
                bright = _brightness(document, source, channel, ids, progress)
            return colouring.histories(document, by, ids, bright, progress)

        def done(found: Mapping[int, History]) -> None:
            if self._job is job:
                self._job = None
                self._take(found)

        def failed(error: CellSamError) -> None:
            if self._job is job:
                self._job = None
                self._session.notices.failed(error)

        self.passes += cells is None
        job = self._job = self._session.jobs.runner.run("Measuring cells", work, done, failed)

    def _take(self, found: Mapping[int, History]) -> None:
        """Values are there; what changed meanwhile is measured again."""
        self._histories |= found
        missed, self._missed = self._missed, set()
        if missed and self.by is ColourBy.INTENSITY:
            self._measure(missed)
        elif missed:
            self._measure_again(dict.fromkeys(missed))
        if self._range is None:
            self._range = colouring.range_of(self._histories.values())
        self.changed.emit()

    def _measure_again(self, places: Mapping[int, Collection[PlaneKey] | None]) -> None:
        """Measure cells at once: on these planes, or (None) on all."""
        movie = self._session.movie
        assert movie is not None, "without a movie no cell changes"
        for cell_id, keys in places.items():
            known = self._histories.pop(cell_id, NO_HISTORY)
            if cell_id in movie.document:
                frames = None if keys is None else {key.t for key in keys}
                self._histories[cell_id] = colouring.history(
                    movie.document, cell_id, self.by, known=known, changed=frames
                )
        if self._range is None:
            self._range = colouring.range_of(self._histories.values())

    def _history(self, cell_id: int) -> History:
        return self._histories.get(cell_id, NO_HISTORY)

    @property
    def _founder_rows(self) -> Mapping[int, int]:
        movie = self._session.movie
        if self._founders is None:
            assert movie is not None, "asked only with a movie"
            document = movie.document
            self._founders = colouring.lineage_rows(document.lineage, document.cell_ids)
        return self._founders

    @property
    def _last_generation(self) -> int:
        movie = self._session.movie
        if self._generations is None:
            assert movie is not None, "asked only with a movie"
            self._generations = colouring.last_generation(movie.document.lineage)
        return self._generations


def _brightness(
    document: Document, source: ImageSource, channel: int, cells: Collection[int] | None, progress: Progress
) -> Intensities:
    """The brightness of one channel under masks."""
    return measure_intensities(
        document,
        lambda index: source.read_plane(index._replace(c=channel)),
        1,
        cells=cells,
        rgb=source.info.rgb,
        progress=progress,
    )
