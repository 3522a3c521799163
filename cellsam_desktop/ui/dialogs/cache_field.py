"""How much disk the embeddings may take, how much they take, and a way to clear them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget
from shiboken6 import isValid

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.curation.session import Session
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.ui.panels.fields import number_field
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.theme import SPACE

GIGABYTE = 1e9


class CacheField(QWidget):
    """The limit takes effect at once; measuring and clearing happen in the background."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.limit = number_field(0.1, 100_000, 1, " GB")
        self.limit.setValue(session.settings.cache_limit_gb)
        self.used = muted("measuring …")
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("Remove all embeddings; frames are encoded again when they are needed")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(self.limit)
        row.addWidget(self.used, 1)
        row.addWidget(self.clear)
        self.limit.editingFinished.connect(self._set_limit)
        self.clear.clicked.connect(self._clear)
        self._measure("Measuring the cache", lambda: None)

    def _set_limit(self) -> None:
        gigabytes, cache = self.limit.value(), self._session.jobs.cache
        if gigabytes != self._session.settings.cache_limit_gb:
            self._session.settings.cache_limit_gb = gigabytes
            self._session.jobs.set_cache_limit(int(gigabytes * GIGABYTE))
            self._measure("Shrinking the cache", cache.evict)

    def _clear(self) -> None:
        self.clear.setEnabled(False)
        self._measure("Clearing the cache", self._session.jobs.cache.clear)

    def _measure(self, name: str, first: Callable[[], object]) -> None:
        """Do something to the cache, then measure it."""
        session = self._session

        def work(_: Progress) -> int:
            first()
            return session.jobs.cache.size_bytes()

        def failed(error: CellSamError) -> None:
            session.notices.failed(error)
            if isValid(self):
                self.clear.setEnabled(True)

        session.jobs.runner.run(name, work, self._show, failed)

    def _show(self, size: int) -> None:
        if isValid(self):  # the dialog may be closed by now
            self.used.setText(f"{size / GIGABYTE:.2f} GB used")
            self.clear.setEnabled(size > 0)
