"""Identities over time as actions on the selected cells: link, unlink, swap, merge, split, fill gaps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from cellsam_desktop.core import track_edits
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddTrack, Edit
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.shapes import Spot, crosses, cut_by_line, cut_by_spots

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class Tracks:
    """What a curator does to the tracks of the cells she has selected, from the plane on screen on.

    Each is one transaction, refused with the reason where it would break the lineage, see ``Acting``.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def count(self) -> int:
        """How many cells are selected: these actions need one or two."""
        return 0 if self._session.movie is None else len(self._session.view.selection)

    def link(self) -> None:
        """The later of two selected cells continues the earlier one."""
        cells = self._chosen(2, "Select the two cells that are one: they may lie on different frames.")
        if cells:
            a, b = self._by_begin(cells)
            self._do("Link cells", lambda force: track_edits.link(self._document, a, b, force=force), a)

    def merge(self) -> None:
        """Make one cell of all selected ones, with the identity of the one that begins first."""
        cells = self._chosen(2, "Select the cells that are one: at least two.", at_least=True)
        if cells:
            cells = self._by_begin(cells)
            self._do(
                "Merge cells",
                lambda force: track_edits.merge_tracks(self._document, cells, force=force),
                cells[0],
            )

    def unlink_here(self) -> None:
        """From this frame on each selected cell is a new one."""
        cells, t = (
            self._chosen(1, "Select the cell that is another one from here on.", at_least=True),
            self._t,
        )
        if cells:
            self._do("Unlink here", lambda _: track_edits.unlink_here(self._document, cells, t))

    def swap_from_here(self) -> None:
        """From this frame on the two selected cells exchange their identities."""
        cells, t = self._chosen(2, "Select the two cells that are mixed up from here on."), self._t
        if cells:
            a, b = cells
            self._do(
                "Swap from here on",
                lambda force: track_edits.swap_from_here(self._document, a, b, t, force=force),
                *cells,
            )

    def undivide(self) -> None:
        """Forget the division in which a selected cell is the mother, or else a daughter."""
        cells = self._chosen(1, "Select a mother or a daughter.", at_least=True)
        if cells:
            lineage = self._document.lineage
            chosen = [i if lineage.daughters(i) else lineage.mother(i) for i in cells]
            mother = next((i for i in chosen if i is not None), cells[0])
            self._do("Remove division", lambda _: track_edits.undivide(self._document, mother))

    def extend_into_gap(self) -> None:
        """Fill the gap around this frame in the selected cells' tracks; on a frame with masks, all gaps."""
        cells, t = self._chosen(1, "Select the cell that is missing in between.", at_least=True), self._t
        if cells:
            missing = any(not self._has_mask(cell_id) for cell_id in cells)
            around = t if missing else None
            self._do("Fill gap", lambda _: track_edits.extend_into_gap(self._document, cells, around))

    def split_by_line(self, start: Spot, end: Spot) -> None:
        """Cut a mask along the line through two points (x, y); the larger part stays with the cell.

        It is the mask of the selected cell where the line runs over it between the points, or else the one
        under the middle of the line.
        """
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        self._split(
            middle, lambda mask: crosses(mask, start, end), lambda mask: cut_by_line(mask, start, end)
        )

    def split_by_spots(self, first: Spot, second: Spot) -> None:
        """Cut a mask between two clicks (x, y); what is nearer to the first one stays with the cell.

        It is the mask of the selected cell, or else the one under the first click; both clicks lie on it.
        """
        self._split(
            first,
            lambda mask: mask.contains(*first) and mask.contains(*second),
            lambda mask: cut_by_spots(mask, first, second),
        )

    def _split(
        self,
        spot: Spot,
        meant: Callable[[Mask], bool],
        cut: Callable[[Mask], tuple[Mask, Mask] | None],
    ) -> None:
        if self._session.movie is None:
            return
        key, found = self._session.view.key, self._to_split(spot, meant)
        if found is None:
            self._session.notices.info(
                "There is no mask to split: draw the line through one, or click on both its halves."
            )
            return
        chosen, parts = found[0], cut(found[1])
        self._do("Split mask", lambda _: track_edits.split_mask(self._document, chosen, key, parts), chosen)

    def _to_split(self, spot: Spot, meant: Callable[[Mask], bool]) -> tuple[int, Mask] | None:
        """The cell that is ``meant``, with its mask here: the selected one, or else the one at ``spot``."""
        selection, under = self._session.view.selection, self._session.editing.cell_at(*spot)
        for cell_id in (*(selection if len(selection) == 1 else ()), under):
            record = None if cell_id is None else self._document.record(cell_id, self._session.view.key)
            if cell_id is not None and record is not None and meant(record.mask):
                return cell_id, record.mask
        return None

    def _do(self, name: str, make: Callable[[bool], list[Edit]], *selected: int) -> None:
        """Commit, then select these cells and those that came into being."""

        def select(edits: list[Edit]) -> None:
            new = (edit.cell.id for edit in edits if isinstance(edit, AddTrack))
            if chosen := (*selected, *new):
                self._session.editing.select(chosen)

        self._session.acting.do(name, make, select)

    def _chosen(self, count: int, request: str, *, at_least: bool = False) -> tuple[int, ...]:
        """The selection if it has so many cells; else none, and a notice."""
        if self._session.movie is None:
            return ()
        selection = self._session.view.selection
        if len(selection) == count or (at_least and len(selection) > count):
            return selection
        self._session.notices.info(request)
        return ()

    def _by_begin(self, cells: tuple[int, ...]) -> tuple[int, ...]:
        spans = {cell_id: self._document.span(cell_id) or (math.inf,) for cell_id in cells}
        return tuple(sorted(cells, key=lambda cell_id: spans[cell_id][0]))

    def _has_mask(self, cell_id: int) -> bool:
        return self._document.record(cell_id, self._session.view.key) is not None

    @property
    def _t(self) -> int:
        return self._session.view.t

    @property
    def _document(self) -> Document:
        movie = self._session.movie
        assert movie is not None, "actions on cells are only offered with an open movie"
        return movie.document
