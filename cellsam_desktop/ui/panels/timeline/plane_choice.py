"""Depth and channel, for movies that have more than one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.panels.fields import panel_choice
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.theme import SPACE


class PlaneChoice(QWidget):
    """A slider over z and a list of channels; each is hidden where there is nothing to choose."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.z = QSlider(Qt.Orientation.Horizontal)
        self.z.setFixedWidth(90)
        self.z.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.z.valueChanged.connect(session.navigation.set_z)
        self.z_label = muted()
        self.channel = panel_choice()
        self.channel.setToolTip("Channel shown, and seen by the model")
        self.channel.activated.connect(session.navigation.set_channel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        for part in (self.z_label, self.z, self.channel):
            row.addWidget(part)
        listen(self, session.movie_changed, self._on_movie)
        listen(self, session.view.changed, self._on_view)
        self._on_movie()

    def _on_movie(self) -> None:
        movie = self._session.movie
        depth = 1 if movie is None else movie.info.sizes.z
        names = () if movie is None else channel_names(movie.info.channel_names, movie.info.sizes.c)
        self.z.blockSignals(True)
        self.z.setRange(0, depth - 1)
        self.z.blockSignals(False)
        self.z_label.setMinimumWidth(self.z_label.fontMetrics().horizontalAdvance(f"z {depth} / {depth}"))
        self.channel.clear()
        self.channel.addItems(list(names))
        for part in (self.z, self.z_label):
            part.setVisible(depth > 1)
        self.channel.setVisible(len(names) > 1)
        self.setVisible(depth > 1 or len(names) > 1)
        self._show()

    def _on_view(self, names: frozenset[str]) -> None:
        if names & {"z", "c"}:
            self._show()

    def _show(self) -> None:
        view = self._session.view
        self.z.blockSignals(True)
        self.z.setValue(view.z)
        self.z.blockSignals(False)
        self.z_label.setText(f"z {view.z + 1} / {self.z.maximum() + 1}")
        self.channel.setCurrentIndex(view.c)


def channel_names(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """A name for every channel: the file's own, else "Channel 1" and so on."""
    return tuple(names[c] if c < len(names) and names[c] else f"Channel {c + 1}" for c in range(count))
