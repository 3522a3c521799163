"""A change of very many masks on its way to the project file, on another thread."""

from __future__ import annotations

import threading

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.project.store import ProjectStore

BULK = 500
"""More masks than this are written in the background; so many take about as long as an event may."""


class BackgroundWrite:
    """Writes what a transaction changed, as the document is now.

    The document may go on changing: the caller writes afterwards what changed meanwhile. ``error`` says why
    it could not be written, None if it could.
    """

    def __init__(self, store: ProjectStore, document: Document, changes: ChangeSet) -> None:
        self.error: CellSamError | None = None
        self._store, self._changes = store, changes
        self._document = document.snapshot(changes.touched_cells)
        self._ended = threading.Event()

    @property
    def name(self) -> str:
        """What is going on, for the place that shows jobs."""
        return f"Saving {self._changes.mask_count:,} masks".replace(",", "\u202f")

    def run(self, progress: Progress) -> None:
        """Write, on a thread of its own."""
        try:
            self._store.save(self._document, self._changes, progress)
        except CellSamError as error:
            self.error = error
            raise
        finally:
            self._ended.set()

    def wait(self) -> None:
        """Until it is written, or failed."""
        self._ended.wait()
