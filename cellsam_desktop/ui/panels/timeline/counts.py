"""How many masks each frame has, kept up to date plane by plane."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey


class FrameCounts:
    """``per_frame`` counts the masks of every frame, (T,), all z positions together."""

    def __init__(self, frames: int = 0) -> None:
        self.per_frame: npt.NDArray[np.int64] = np.zeros(frames, np.int64)
        self._per_plane: dict[PlaneKey, int] = {}

    @classmethod
    def of(cls, document: Document, frames: int) -> FrameCounts:
        """Count a whole document once."""
        counts = cls(frames)
        for key in document.planes():
            counts._count(document, key)
        return counts

    def update(self, document: Document, changes: ChangeSet) -> bool:
        """Count the touched planes again; whether any number changed."""
        return sum(self._count(document, key) for key in changes.planes) > 0

    def _count(self, document: Document, key: PlaneKey) -> bool:
        now, before = document.count_on(key), self._per_plane.get(key, 0)
        if now == before or key.t >= self.per_frame.size:
            return False
        self.per_frame[key.t] += now - before
        self._per_plane[key] = now
        return True
