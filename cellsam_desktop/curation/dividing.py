"""Divisions by hand: of selected cells, or by dragging from the mother to each daughter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import Edit
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.track_edits import divide, divide_here

if TYPE_CHECKING:
    from cellsam_desktop.curation.acting import Make
    from cellsam_desktop.curation.session import Session

_LESS = "Select a mother and her two daughters; or, where the mother runs on as one, her and the other."


@dataclass(frozen=True)
class Begun:
    """A drag that gave a mother her first daughter; the second one is still to come."""

    mother: int
    daughter: int


class Dividing:
    """Finds out who is the mother, and joins her to her daughters."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._begun: Begun | None = None
        session.movie_changed.connect(self._forget)
        session.document_changed.connect(self._forget_who_is_gone)

    @property
    def possible(self) -> bool:
        """Whether two or three cells are selected."""
        return self._session.movie is not None and len(self._session.view.selection) in (2, 3)

    @property
    def begun(self) -> bool:
        """Whether a mother was given her first daughter by a drag, and the second one is still to come."""
        return self._begun is not None

    # -- intents -----------------------------------------------------------------------------------

    def cancel(self) -> bool:
        """Forget the first daughter of a drag, so that the next one begins anew; False when there is none."""
        if self._begun is None:
            return False
        self._forget()
        self._session.notices.info("The division is given up: drag from the mother to each daughter.")
        return True

    def divide_selected(self) -> None:
        """Join the selected mother to the two selected daughters.

        Of three cells the mother is the one that ends first. Of two, it is the one that was there before
        this frame: from here on she is a daughter, and the other one is her sister.
        """
        movie, selection, t = self._session.movie, self._session.view.selection, self._session.view.t
        if movie is None:
            return
        document = movie.document
        if len(selection) == 3:
            self._do(lambda force: _divide(document, selection, force=force))
        elif len(selection) == 2:
            mother, other = sorted(selection, key=lambda i: document.span(i) or (t, t))
            self._do(lambda force: divide_here(document, mother, other, t, force=force))
        else:
            self._session.notices.info(_LESS)

    def start_at(self, x: float, y: float) -> int | None:
        """The cell that a drag from (x, y) begins at: a mother that has ended just before, else who is here.

        A mother is taken from the frame before where she can be seen there: she is selected, or her outline
        is shown.
        """
        movie, view = self._session.movie, self._session.view
        if movie is None:
            return None
        mother = self._ended_at(movie.document, x, y)
        if mother is not None and (view.onion or mother in view.selection):
            return mother
        return self._session.editing.cell_at(x, y)

    def ended(self, cell_id: int) -> bool:
        """Whether a cell has ended before the frame on screen."""
        movie = self._session.movie
        span = movie.document.span(cell_id) if movie is not None else None
        return span is not None and span[1] < self._session.view.t

    def drop(self, start: int, x: float, y: float) -> bool:
        """A drag from the cell ``start`` ended at (x, y); False when that means nothing."""
        movie, target = self._session.movie, self._session.editing.cell_at(x, y)
        if movie is None or target is None or target == start:
            return False
        document, t = movie.document, self._session.view.t
        if not self.ended(start):
            self._do(lambda force: divide_here(document, start, target, t, force=force))
        elif self._begun == Begun(start, target):
            self.cancel()
        elif self._begun is None or self._begun.mother != start:
            self._begin(start, target)
        else:
            pair = self._begun.daughter, target
            self._do(lambda force: divide(document, start, pair, force=force))
        return True

    # -- inside ------------------------------------------------------------------------------------

    def _begin(self, mother: int, daughter: int) -> None:
        assert self._session.movie is not None
        document = self._session.movie.document
        self._begun = Begun(mother, daughter)
        self._session.view.set(selection=(mother, daughter))
        self._session.notices.info(
            f"{document.cell(daughter).title} will be a daughter of {document.cell(mother).title}: "
            "drag from the mother to the other daughter, or to this one again to take it back."
        )

    def _do(self, make: Make) -> None:
        self._session.acting.do("Divide", make, lambda _: self._forget())

    def _ended_at(self, document: Document, x: float, y: float) -> int | None:
        """A cell whose last mask lies on the frame before, under (x, y), and that has not divided."""
        view = self._session.view
        key = PlaneKey(view.t - 1, view.z)
        hits = []
        for cell_id in document.cells_on(key):
            record, span = document.record(cell_id, key), document.span(cell_id)
            ends = span is not None and span[1] == key.t and document.lineage.daughters(cell_id) is None
            if record is not None and ends and view.is_visible(cell_id) and record.mask.contains(x, y):
                hits.append((record.mask.area, cell_id))
        return min(hits)[1] if hits else None

    def _forget(self) -> None:
        self._begun = None

    def _forget_who_is_gone(self) -> None:
        """A cell that comes to have the id of one that was deleted is no daughter because of that."""
        movie, begun = self._session.movie, self._begun
        if movie is None or begun is None:
            return
        if begun.mother not in movie.document or begun.daughter not in movie.document:
            self._forget()


def _divide(document: Document, cells: tuple[int, ...], *, force: bool) -> list[Edit]:
    mother, one, other = family(document, cells)
    return divide(document, mother, (one, other), force=force)


def family(document: Document, cells: tuple[int, ...]) -> tuple[int, int, int]:
    """Three cells as mother and daughters: the mother ends first, and if two do, she began first.

    Raises:
        EditRefused: nobody ends before the others.
    """
    spans = {i: document.span(i) or (0, 0) for i in cells}
    mother, one, other = sorted(cells, key=lambda i: (spans[i][1], spans[i][0]))
    if spans[mother] == spans[one]:
        raise EditRefused("No cell ends before the other two: a mother ends before her daughters begin.")
    return mother, one, other
