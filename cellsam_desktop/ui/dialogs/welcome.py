"""The first start: three sentences, and two ways to begin."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from cellsam_desktop.ui import icons
from cellsam_desktop.ui.actions import Actions
from cellsam_desktop.ui.dialogs.frame import Dialog, make_main
from cellsam_desktop.ui.panels.labels import styled
from cellsam_desktop.ui.theme import SPACE, WIDE, theme_of


def sentences(actions: Actions) -> tuple[str, str, str]:
    """What to know at first, as rich text, with the keys as they are bound now."""
    ids = ("prompt.accept", "prompt.next", "frame.previous", "frame.next", "help.keys")
    accept, other, back, on, every = (_asked_by(actions, action_id) for action_id in ids)
    return (
        f"Point at a cell and its mask appears; click to keep it, and press {accept} to accept it.",
        f"A right click says “not this”, {other} offers another mask, and {back} and {on} step through "
        "time, where a click continues the selected cell.",
        f"Whatever you accept is saved at once beside your movie; {every} shows every key.",
    )


def _asked_by(actions: Actions, action_id: str) -> str:
    """The key of an action, or its name where it has none."""
    key = actions.said(action_id)
    return f"<b>{escape(key)}</b>" if key else f"“{escape(actions.specs[action_id].title)}”"


class WelcomeDialog(Dialog):
    """``sample_wanted`` and ``open_wanted`` are its two ways on."""

    sample_wanted = Signal()
    open_wanted = Signal()

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("Welcome", parent)
        self.setFixedWidth(590)
        self.column.setContentsMargins(2 * WIDE, 2 * WIDE, 2 * WIDE, WIDE + SPACE)
        head = QHBoxLayout()
        head.setSpacing(WIDE)
        picture = QLabel()
        picture.setPixmap(icons.pixmap("app", theme_of(self).colour("accent"), 44, self.devicePixelRatioF()))
        head.addWidget(picture)
        head.addWidget(styled("title", "CellSAM Desktop"), 1)
        self.column.addLayout(head)
        self.column.addSpacing(SPACE)
        for sentence in sentences(actions):
            label = QLabel(sentence)
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.RichText)
            self.column.addWidget(label)
        self.column.addSpacing(WIDE)
        self.sample = QPushButton("Open the sample")
        self.open_movie = QPushButton("Open a movie…")
        make_main(self.sample)
        buttons = QHBoxLayout()
        buttons.addWidget(self.sample)
        buttons.addWidget(self.open_movie)
        buttons.addStretch()
        self.column.addLayout(buttons)
        self.sample.clicked.connect(lambda: self._leave(self.sample_wanted))
        self.open_movie.clicked.connect(lambda: self._leave(self.open_wanted))

    def _leave(self, signal: SignalInstance) -> None:
        self.accept()
        signal.emit()
