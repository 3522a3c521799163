"""Actions on selected cells: select, delete, rename, lock, show, and correct shapes. Never modes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from cellsam_desktop.core import morphology, track_edits
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import ChangeCell, Edit, MarkComplete, SetCalibration, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class Editing:
    """What a curator does to the cells she has selected on the plane on screen."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # -- selection ---------------------------------------------------------------------------------

    def select(self, ids: Iterable[int]) -> None:
        """Select exactly these cells."""
        self._session.view.set(selection=tuple(ids))

    def select_at(self, x: float, y: float, extend: bool = False) -> None:
        """Select the visible cell under a point; ``extend`` adds it to the selection, or takes it out."""
        hit = self.cell_at(x, y)
        selection = self._session.view.selection
        if not extend:
            self.select(() if hit is None else (hit,))
        elif hit is not None:
            self.select([i for i in selection if i != hit] if hit in selection else [*selection, hit])

    def cell_at(self, x: float, y: float) -> int | None:
        """The visible cell under a point of the plane on screen, or None."""
        movie, view = self._session.movie, self._session.view
        if movie is None:
            return None
        hit = movie.document.cell_at(self._key, x, y)
        return hit if hit is not None and view.is_visible(hit) else None

    def step_selection(self, step: int) -> None:
        """Select the next (+1) or previous (-1) cell of this plane, by id."""
        if self._session.movie is None:
            return
        here = self._document.cells_on(self._key)
        if not here:
            return
        selection = self._session.view.selection
        if not selection:
            chosen = here[0] if step > 0 else here[-1]
        elif step > 0:
            chosen = next((i for i in here if i > selection[-1]), here[0])
        else:
            chosen = next((i for i in reversed(here) if i < selection[0]), here[-1])
        self.select((chosen,))

    def find(self, text: str) -> list[int]:
        """Ids of the cells whose id is the text, or whose name contains it; ascending."""
        if self._session.movie is None:
            return []
        wanted = text.strip().casefold()
        if not wanted:
            return []
        named = ((i, self._document.cell(i).name.casefold()) for i in self._document.cell_ids)
        return [i for i, name in named if wanted == str(i) or wanted in name]

    # -- deleting ----------------------------------------------------------------------------------

    def delete_here(self) -> None:
        """Delete the selected cells' masks on this plane; a cell left without masks goes too."""
        if self._session.movie is not None:
            cells, key = self._session.view.selection, self._key
            self._session.acting.do(
                "Delete mask", lambda _: track_edits.delete_here(self._document, cells, key)
            )

    def delete_from_here(self) -> None:
        """Delete the selected cells' masks from this frame on, in every z position."""
        if self._session.movie is not None:
            cells, t = self._session.view.selection, self._session.view.t
            self._session.acting.do(
                "Delete from here on", lambda _: track_edits.delete_from_here(self._document, cells, t)
            )

    # -- attributes --------------------------------------------------------------------------------

    def rename(self, cell_id: int, name: str) -> None:
        """Give a cell a name; an empty one takes it away."""
        if edits := track_edits.rename(self._document, cell_id, name):
            self._session.commit("Rename cell", edits)

    def set_locked(self, ids: Iterable[int], locked: bool) -> None:
        """Lock cells against changes of their masks, or unlock them."""
        cells = [self._document.cell(i) for i in ids]
        edits = [ChangeCell(replace(cell, locked=locked)) for cell in cells if cell.locked != locked]
        if edits:
            self._session.commit("Lock cells" if locked else "Unlock cells", edits)

    def toggle_visible(self, ids: Iterable[int]) -> None:
        """Hide the cells; show them if all are hidden already."""
        chosen, view = frozenset(ids), self._session.view
        view.set(hidden=view.hidden - chosen if chosen <= view.hidden else view.hidden | chosen)

    def toggle_solo(self, ids: Iterable[int]) -> None:
        """Show only these cells; show all again if they are the ones shown alone."""
        chosen, view = frozenset(ids), self._session.view
        view.set(solo=frozenset() if chosen == view.solo else chosen)

    def set_opacity(self, opacity: float) -> None:
        """Opacity of all masks, 0 to 1."""
        self._session.view.set(opacity=min(max(opacity, 0.0), 1.0))

    def set_calibration(self, calibration: Calibration) -> None:
        """Change pixel size, z step and frame interval."""
        if self._session.movie is not None and calibration != self._document.calibration:
            self._session.commit("Change scale", [SetCalibration(calibration)])

    def toggle_complete(self) -> None:
        """Say that every cell on this plane has its mask, or take that back.

        The mark stays when masks change: correcting a mask, or deleting that of something that is no cell,
        leaves no cell without one.
        """
        if self._session.movie is not None:
            complete = not self._document.is_complete(self._key)
            name = "Mark as complete" if complete else "Mark as incomplete"
            self._session.commit(name, [MarkComplete(frozenset([self._key]), complete)])

    # -- shapes ------------------------------------------------------------------------------------

    def grow(self) -> None:
        """Grow the proposal, or else the selected masks, by one pixel."""
        if self._session.movie is not None:
            sizes = self._session.movie.info.sizes
            self._reshape("Grow mask", lambda mask: morphology.grow(mask, sizes.y, sizes.x))

    def shrink(self) -> None:
        """Shrink the proposal, or else the selected masks, by one pixel; a mask never shrinks to nothing."""
        self._reshape("Shrink mask", lambda mask: morphology.shrink(mask) or mask)

    def fill_holes(self) -> None:
        """Fill the holes of the proposal, or else of the selected masks."""
        self._reshape("Fill holes", morphology.fill_holes)

    def keep_largest(self) -> None:
        """Keep the largest piece of the proposal, or else of each selected mask."""
        self._reshape("Keep largest piece", morphology.keep_largest)

    def _reshape(self, name: str, change: Callable[[Mask], Mask]) -> None:
        proposal = self._session.prompting.proposal
        if proposal is not None and proposal.mask is not None:
            self._session.prompting.replace_mask(change(proposal.mask))
            return
        if self._session.movie is None:
            return
        edits: list[Edit] = []
        for cell_id in self._session.view.selection:
            record = self._document.record(cell_id, self._key)
            if record is not None and not (mask := change(record.mask)).same_pixels(record.mask):
                edits.append(SetMask(cell_id, self._key, track_edits.corrected(record, mask)))
        if edits:
            self._session.commit(name, edits)

    @property
    def _document(self) -> Document:
        movie = self._session.movie
        assert movie is not None, "actions on cells are only offered with an open movie"
        return movie.document

    @property
    def _key(self) -> PlaneKey:
        return self._session.view.key
