"""Which masks of a plane touch others, and along how much of their edge."""

from __future__ import annotations

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.doubts import contact_of
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey

_Boxes = NDArray[np.int64]


class Contacts:
    """The masks that a document has on one plane now; each contact is worked out once, when asked for."""

    def __init__(self, document: Document, key: PlaneKey) -> None:
        self._document, self._key = document, key
        self._masks = {i: document.track(i)[key].mask for i in document.cells_on(key)}
        self._ids = np.array(list(self._masks), np.int64)
        boxes = [(m.y0, m.x0, m.y0 + m.height, m.x0 + m.width) for m in self._masks.values()]
        self._boxes: _Boxes = np.array(boxes, np.int64).reshape(-1, 4)
        self._known: dict[int, float] = {}

    def of(self, cell_id: int) -> float:
        """The contact of a cell's mask, see ``contact_of``."""
        known = self._known.get(cell_id)
        if known is None:
            near = self._beside(self._boxes[self._ids == cell_id])
            others = (self._masks[i] for i in near if i != cell_id)
            known = self._known[cell_id] = contact_of(self._masks[cell_id], others)
        return known

    def after(self, changed: Set[int]) -> tuple[Contacts, set[int]]:
        """The plane after the masks of some cells changed, and the other cells beside them, before or now."""
        new = Contacts(self._document, self._key)
        beside: set[int] = set()
        if new._masks.keys() - changed:
            for plane in (self, new):
                beside.update(plane._beside(plane._boxes[np.isin(plane._ids, list(changed))]))
        beside = beside & new._masks.keys() - changed
        new._known = {i: known for i, known in self._known.items() if i not in beside | changed}
        return new, beside

    def _beside(self, boxes: _Boxes) -> list[int]:
        """The cells whose boxes touch one of ``boxes`` (n, 4), themselves among them."""
        y0, x0, y1, x1 = self._boxes.T[:, :, None]
        v0, u0, v1, u1 = boxes.T
        meet = (y0 <= v1) & (y1 >= v0) & (x0 <= u1) & (x1 >= u0)
        found: list[int] = self._ids[meet.any(axis=1)].tolist()
        return found
