"""Brush, eraser and lasso: correct any mask by hand, or draw a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cellsam_desktop.core import morphology
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, Edit, SetMask
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.core.track_edits import corrected, delete_here

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

Path = Sequence[tuple[float, float]]


class Painting:
    """Applies painted areas to the proposal if there is one, else to the selected cell, else to a new one.

    By default paint goes under the other cells: their pixels stay theirs. "Over" takes the pixels from
    them, except from locked ones.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def stroke(self, points: Path, radius: float, *, erase: bool = False, over: bool = False) -> None:
        """Apply the area swept by a disc of ``radius`` pixels along a path of (x, y)."""
        self._apply(morphology.stroke(points, radius), points, Source.BRUSH, erase=erase, over=over)

    def lasso(self, points: Path, *, erase: bool = False, over: bool = False) -> None:
        """Apply the inside of a closed path of (x, y)."""
        self._apply(morphology.polygon(points), points, Source.LASSO, erase=erase, over=over)

    def _apply(self, area: Mask | None, points: Path, source: Source, *, erase: bool, over: bool) -> None:
        movie = self._session.movie
        area = area.clip(movie.info.sizes.y, movie.info.sizes.x) if area and movie else None
        if movie is None or area is None:
            return
        proposal = self._session.prompting.proposal
        if proposal is not None and proposal.mask is not None:
            self._correct_proposal(proposal.mask, area, erase=erase, over=over)
        elif erase:
            self._erase(movie.document, area, points)
        else:
            self._paint(movie.document, area, source, over=over)

    def _correct_proposal(self, mask: Mask, area: Mask, *, erase: bool, over: bool) -> None:
        if not erase:
            free = area if over else self._without_others(area, self._session.prompting.target)
            mask = mask.union(free) if free else mask
        else:
            mask = mask.subtract(area) or mask
        self._session.prompting.replace_mask(mask)

    def _paint(self, document: Document, area: Mask, source: Source, *, over: bool) -> None:
        selection, key = self._session.view.selection, self._session.view.key
        cell_id = selection[0] if len(selection) == 1 else document.next_id
        painted = area if over else self._without_others(area, cell_id)
        if painted is None:
            self._session.notices.info(
                "Everything here belongs to other cells: hold Ctrl to paint over them."
            )
            return
        edits: list[Edit] = [] if cell_id in document else [AddCell(Cell(cell_id))]
        record = document.record(cell_id, key)
        if record is None:
            edits.append(SetMask(cell_id, key, MaskRecord(painted, source)))
        else:
            enlarged = replace(corrected(record, record.mask.union(painted)), source=source)
            edits.append(SetMask(cell_id, key, enlarged))
        if over:
            edits += self._take_from_others(document, painted, cell_id)
        if self._session.commit("Paint", edits):
            self._session.view.set(selection=(cell_id,))

    def _erase(self, document: Document, area: Mask, points: Path) -> None:
        selection = self._session.view.selection
        under = self._session.editing.cell_at(*points[0])
        chosen = selection if selection else () if under is None else (under,)
        self._session.acting.do("Erase", lambda _: self._cut(document, chosen, area))

    def _cut(self, document: Document, cells: Sequence[int], area: Mask) -> list[Edit]:
        """Take the area from the masks of these cells here; a mask of which nothing is left is deleted."""
        edits: list[Edit] = []
        gone: list[int] = []
        key = self._session.view.key
        for cell_id in cells:
            record = document.record(cell_id, key)
            if record is None or not record.mask.overlap(area):
                continue
            rest = record.mask.subtract(area)
            if rest is None:
                gone.append(cell_id)
            else:
                edits.append(SetMask(cell_id, key, replace(corrected(record, rest), source=Source.BRUSH)))
        return [*edits, *delete_here(document, gone, key)]

    def _without_others(self, area: Mask, cell_id: int | None) -> Mask | None:
        movie, key = self._session.movie, self._session.view.key
        rest: Mask | None = area
        for other in movie.document.cells_on(key) if movie else ():
            record = movie.document.record(other, key) if movie else None
            if other != cell_id and record is not None and rest is not None:
                rest = rest.subtract(record.mask)
        return rest

    def _take_from_others(self, document: Document, area: Mask, cell_id: int) -> list[Edit]:
        here = document.cells_on(self._session.view.key)
        others = [i for i in here if i != cell_id and not document.cell(i).locked]
        return self._cut(document, others, area)
