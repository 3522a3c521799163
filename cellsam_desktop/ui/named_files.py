"""Files that macOS names in an event: after a double click on a project, the arguments are empty there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class FileNamingApplication(QApplication):
    """A ``QApplication`` that hands on the files it is asked to open.

    Only what is sent to the application itself passes through Python; a filter would see every event.
    """

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._early: list[Path] = []
        self._open: Callable[[Path], object] = self._early.append

    def hand_to(self, open_file: Callable[[Path], object]) -> bool:
        """Call ``open_file`` for every file from now on; True if one was named already, which it gets now."""
        self._open = open_file
        for file in self._early[-1:]:
            open_file(file)
        return bool(self._early)

    def event(self, event: QEvent) -> bool:
        """Take note of a file that is to be opened."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self._open(Path(event.file()))
            return True
        return super().event(event)
