"""The accepted cells on the canvas: one indexed overlay, a few outlines, and the recent paths."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsItem

from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.ui.canvas.mask_items import Look, OutlineItem
from cellsam_desktop.ui.canvas.overlay_item import OverlayItem
from cellsam_desktop.ui.canvas.raster import OwnRows, Raster, hidden_doubles
from cellsam_desktop.ui.canvas.trail_item import Steps, TrailItem
from cellsam_desktop.ui.palette import RowOf, colour_at, colour_index, lut, table_of

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

STYLE = frozenset(
    {"selection", "hidden", "solo", "opacity", "show_masks", "show_outlines", "hide_all", "trail"}
)
"""Fields of the view that change how cells look, and nothing of what there is to see."""

_OWN = 200
"""Up to so many cells of a plane get rows of their own where colours are not fixed by their ids."""
_CENTROIDS = 500
"""So many are worked out in one event, in about 5 ms."""
_CLEAR = QColor(0, 0, 0, 0)
_SELECTED = Look(_CLEAR, QColor(255, 255, 255), 1.5, QColor(0, 0, 0, 110))
_HOVERED = Look(_CLEAR, QColor(255, 255, 255, 170), 1.2, QColor(0, 0, 0, 90))


class CellLayer:
    """Keeps overlay, outlines and paths in step with the document, and redraws only what changed.

    ``later`` goes on with paths that take longer than one event; it belongs to the widget shown in.
    """

    def __init__(self, session: Session, root: QGraphicsItem) -> None:
        self._session = session
        self.raster = Raster()
        self.overlay = OverlayItem(root)
        self.trails = TrailItem(root)
        self.selected = OutlineItem(root, _SELECTED)
        self.hovered = OutlineItem(root, _HOVERED)
        self.later = QTimer(singleShot=True, interval=0)
        self.later.timeout.connect(self._trace)
        self._hovered: int | None = None
        self._place: tuple[Document | None, PlaneKey] | None = None

    def show_movie(self) -> None:
        """Begin with another movie, or with none."""
        self._hovered, self._place = None, None
        self.show_frame()

    def show_frame(self) -> None:
        """Draw all cells of another plane; of the same one, only their looks."""
        document = self._document
        place = (document, self._session.view.key)
        if place == self._place:
            self.restyle(STYLE)
            return
        self._place = place
        masks = dict(self._masks(document)) if document is not None else {}
        movie = self._session.movie
        height, width = (movie.info.sizes.y, movie.info.sizes.x) if movie is not None else (0, 0)
        row_of = self._row_of(masks.keys())
        self.raster.rebuild(height, width, masks, self._absent(masks.keys(), row_of), row_of)
        self.overlay.set_indices(self.raster.indices)
        self._style()
        self._outline()
        self._trace()

    def apply(self, changes: ChangeSet) -> None:
        """Redraw what a transaction changed on this plane."""
        document, key = self._document, self._session.view.key
        if document is None:
            return
        changed: dict[int, Mask | None] = {}
        for cell_id in changes.on(key):
            record = document.record(cell_id, key)
            changed[cell_id] = record.mask if record is not None else None
        if changed:
            self._patch(changed)
            self._style()
            self._outline()
        if isinstance(self.raster.row_of, OwnRows) and self.raster.row_of.full:
            self.recolour()
        if changes.places:
            self._trace()

    def restyle(self, names: frozenset[str]) -> None:
        """Follow selection, visibility and opacity: the colour table changes, the overlay does not."""
        if names & {"hidden", "solo"}:
            self._patch({})
        self._style()
        self._outline()
        if names & {"hidden", "solo", "trail", "hide_all"}:
            self._trace()

    def recolour(self) -> None:
        """Cells have other colours now: with rows of their own only the colour table changes."""
        own = isinstance(self.raster.row_of, OwnRows) and not self.raster.row_of.full
        if own and self._session.colouring.by is not ColourBy.CELL:
            self._style()
            self._trace()
        else:
            self._place = None
            self.show_frame()

    def hover(self, cell_id: int | None) -> None:
        """Outline the cell under the mouse."""
        if cell_id != self._hovered:
            self._hovered = cell_id
            self._outline()

    @property
    def _document(self) -> Document | None:
        movie = self._session.movie
        return movie.document if movie is not None else None

    def _masks(self, document: Document) -> Iterator[tuple[int, Mask]]:
        key = self._session.view.key
        for cell_id in document.cells_on(key):
            record = document.record(cell_id, key)
            if record is not None:
                yield cell_id, record.mask

    def _patch(self, changed: dict[int, Mask | None]) -> None:
        absent = self._absent(self.raster.cells | changed.keys(), self.raster.row_of)
        dirty = self.raster.patch(changed, absent)
        if dirty is not None:
            self.overlay.touch(dirty)

    def _row_of(self, cells: Set[int]) -> RowOf:
        """Which row of the table each of the cells of a plane gets."""
        colouring = self._session.colouring
        if colouring.by is ColourBy.CELL:
            return colour_index
        return OwnRows() if len(cells) <= _OWN else self._rows_of(cells)

    def _rows_of(self, cells: Set[int]) -> RowOf:
        """The rows of the cells' colours, all found out at once."""
        colouring = self._session.colouring
        rows = dict(zip(cells, colouring.rows(cells).tolist(), strict=True))
        return lambda cell_id: rows[cell_id] if cell_id in rows else colouring.row(cell_id)

    def _absent(self, here: Set[int], row_of: RowOf) -> frozenset[int]:
        """The hidden cells that the colour table alone cannot hide."""
        view = self._session.view
        if not view.hidden and not view.solo:
            return frozenset()
        visible = {cell_id for cell_id in here if view.is_visible(cell_id)}
        return hidden_doubles(visible, here - visible, row_of)

    def _style(self) -> None:
        view = self._session.view
        self.overlay.setVisible(view.show_masks and not view.hide_all)
        drawn = self.raster.cells - self.raster.absent
        hidden = [cell_id for cell_id in drawn if not view.is_visible(cell_id)]
        selected = [cell_id for cell_id in view.selection if cell_id in drawn]
        table, row_of = self._table(), self.raster.row_of
        self.overlay.set_lut(lut(view.opacity, hidden=hidden, selected=selected, row_of=row_of, table=table))

    def _table(self) -> npt.NDArray[np.uint8]:
        """The colours of the rows, (256, 3)."""
        colouring = self._session.colouring
        table = table_of(colouring.by)
        if not isinstance(self.raster.row_of, OwnRows):
            return table
        cells = list(self.raster.cells)
        own = np.zeros_like(table)
        own[[self.raster.row_of(i) for i in cells]] = table[colouring.rows(cells)]
        return own

    def _outline(self) -> None:
        view = self._session.view
        shown = view.show_outlines and not view.hide_all
        self.selected.show_masks(self._visible_masks(view.selection) if shown else ())
        hovered = () if self._hovered is None or self._hovered in view.selection else (self._hovered,)
        self.hovered.show_masks(self._visible_masks(hovered) if not view.hide_all else ())

    def _visible_masks(self, ids: tuple[int, ...]) -> list[Mask]:
        document, view = self._document, self._session.view
        if document is None:
            return []
        here, key = self.raster.cells, view.key
        records = (document.record(i, key) for i in ids if i in here and view.is_visible(i))
        return [record.mask for record in records if record is not None]

    def _trace(self) -> None:
        """Draw the paths; after a leap among very many cells in a later event, with all centroids known."""
        movie, view = self._session.movie, self._session.view
        known = (
            movie is None
            or view.hide_all
            or movie.measurements.prepare_paths(view.t, view.trail, view.z, _CENTROIDS)
        )
        by = self._session.colouring.by
        row_of = colour_index if by is ColourBy.CELL else self._rows_of(self.raster.cells)
        self.trails.show_trails(
            list(self._paths()) if known else (), lambda cell_id: colour_at(row_of(cell_id), by)
        )
        if not known:
            self.later.start()

    def _paths(self) -> Iterator[tuple[int, Steps]]:
        movie, view = self._session.movie, self._session.view
        if movie is None or view.hide_all or view.trail < 1:
            return
        visible = filter(view.is_visible, self.raster.cells)
        yield from movie.measurements.paths(visible, view.t, view.trail, view.z)
