"""A project whose movie has moved."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLabel, QWidget

from cellsam_desktop.images.opening import FILE_FILTER
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.ui.dialogs.frame import Dialog
from cellsam_desktop.ui.panels.labels import muted


class LocateMovieDialog(Dialog):
    """``located`` tells where the movie is now; whether it is the same one is checked when it opens."""

    located = Signal(Path)

    def __init__(self, project: Path, link: MovieLink, parent: QWidget | None = None) -> None:
        super().__init__("Where is the movie?", parent, modal=True)
        self._link = link
        self._folder = project.parent
        text = QLabel(f"The movie of <b>{project.name}</b> is not where it was:")
        text.setWordWrap(True)
        place = muted(str(link.path))
        place.setWordWrap(True)
        note = QLabel(
            "Show where it is now. Its pixels are compared, so that the masks cannot land on another movie."
        )
        note.setWordWrap(True)
        self.setMinimumWidth(460)
        for label in (text, place, note):
            self.column.addWidget(label)
        self.add_buttons(ok="Locate…")

    def accept(self) -> None:
        """Ask for the file, or for the folder when the movie was one; stay open when the answer is none."""
        was_folder = not self._link.path.suffix
        if was_folder:
            name = QFileDialog.getExistingDirectory(self, f"Locate {self._link.path.name}", str(self._folder))
        else:
            name, _ = QFileDialog.getOpenFileName(
                self, f"Locate {self._link.path.name}", str(self._folder), f"{FILE_FILTER};;All files (*)"
            )
        if name:
            super().accept()
            self.located.emit(Path(name))
