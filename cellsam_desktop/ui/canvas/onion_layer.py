"""Onion skin: where the cells were on the frame before, as thin outlines under those of now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsItem

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.ui.canvas.mask_items import Look, OutlineItem

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_AT_ONCE = 60
"""So many masks are outlined in one event, in about 5 ms."""

_LOOK = Look(QColor(0, 0, 0, 0), QColor(255, 196, 64, 210), 1.0, QColor(0, 0, 0, 70))


class OnionLayer:
    """Outlines of the visible cells one frame back, some at a time where there are very many.

    ``later`` goes on with what takes longer than one event; it belongs to the widget shown in.
    """

    def __init__(self, session: Session, root: QGraphicsItem) -> None:
        self._session = session
        self._root = root
        self._items: list[OutlineItem] = []
        self._shown: list[Mask] = []
        self._next = 0
        self.later = QTimer(singleShot=True, interval=0)
        self.later.timeout.connect(self._go_on)

    @property
    def outlined(self) -> int:
        """How many masks are outlined."""
        return len(self._shown)

    @property
    def _key(self) -> PlaneKey:
        return PlaneKey(self._session.view.t - 1, self._session.view.z)

    def apply(self, changes: ChangeSet) -> None:
        """Follow a change of the frame before."""
        if self._key in changes.planes:
            self.refresh()

    def refresh(self) -> None:
        """Show the frame before the one on screen, or nothing when the switch is off."""
        masks = self._masks()
        if len(masks) == len(self._shown) and all(a is b for a, b in zip(masks, self._shown, strict=True)):
            return
        self._shown = masks
        for item in self._items:
            item.show_masks(())
        self._next = 0
        self._go_on()

    def _go_on(self) -> None:
        first, number = self._next, self._next // _AT_ONCE
        part = self._shown[first : first + _AT_ONCE]
        if not part:
            return
        if number == len(self._items):
            self._items.append(OutlineItem(self._root, _LOOK))
        self._items[number].show_masks(part)
        self._next += _AT_ONCE
        if self._next < len(self._shown):
            self.later.start()

    def _masks(self) -> list[Mask]:
        movie, view = self._session.movie, self._session.view
        if movie is None or not view.onion or view.hide_all:
            return []
        cells = filter(view.is_visible, movie.document.cells_on(self._key))
        records = (movie.document.record(cell_id, self._key) for cell_id in cells)
        return [record.mask for record in records if record is not None]
