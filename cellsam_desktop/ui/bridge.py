"""The way from other threads to Qt's main thread."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal


class MainThreadPost(QObject):
    """``post(fn)`` runs ``fn`` in the event loop of the thread that made this object, whoever calls.

    Calls from one thread run in the order in which they were posted. After ``close`` nothing runs any more,
    so that a late answer never reaches a window that is gone.
    """

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._closed = False
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def __call__(self, function: Callable[[], None]) -> None:
        """Run ``function`` soon on the main thread."""
        if not self._closed:
            self._posted.emit(function)

    def close(self) -> None:
        """Drop what is still to come."""
        self._closed = True

    def _run(self, function: Callable[[], None]) -> None:
        if not self._closed:
            function()
