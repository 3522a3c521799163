"""Histogram of the plane on screen, with the range that is shown and that the model sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellsam_desktop.curation.session import Session
from cellsam_desktop.images.contrast import Contrast, histogram
from cellsam_desktop.images.source import Plane
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.panels.fields import panel_field
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.panels.timeline.plane_choice import channel_names
from cellsam_desktop.ui.theme import SPACE, TIGHT

if TYPE_CHECKING:
    from cellsam_desktop.ui.panels.histogram import HistogramPlot

_PIXELS = 65_536
"""Of a larger plane an even grid of about so many pixels makes the histogram."""
_BINS = 128
_DELAY_MS = 120
_GAMMA = (0.1, 10.0)


class ContrastPanel(QWidget):
    """Low, high and gamma of the channel on screen. Dragging tries a range; letting go settles it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.measured = 0
        self.channel = QLabel()
        self.auto = QPushButton("Auto")
        self.low, self.high = panel_field(-1e9, 1e9), panel_field(-1e9, 1e9)
        self.gamma = panel_field(*_GAMMA, decimals=2)
        self._plot: HistogramPlot | None = None
        self._column = QVBoxLayout(self)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_DELAY_MS)
        self._delay.timeout.connect(self._measure)
        self._build()
        self._connect()
        self._on_movie()

    @property
    def plot(self) -> HistogramPlot:
        """The histogram, made when it is first asked for: the start of the window waits for no plot."""
        if self._plot is None:
            from cellsam_desktop.ui.panels.histogram import HistogramPlot

            self._plot = HistogramPlot()
            self._plot.dragged.connect(self._drag)
            self._column.insertWidget(1, self._plot, 1)
            self._show_range()
            self._delay.start()
        return self._plot

    def prepare(self) -> bool:
        """Make the histogram; False when it is there already."""
        if self._plot is not None:
            return False
        return self.plot is not None

    def _build(self) -> None:
        self.gamma.setSingleStep(0.05)
        self.auto.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.auto.setToolTip("The range measured over the whole movie")
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE)
        fields.setVerticalSpacing(2)
        for place, (name, field) in enumerate(
            (("Low", self.low), ("High", self.high), ("Gamma", self.gamma))
        ):
            fields.addWidget(muted(name), 0, place)
            fields.addWidget(field, 1, place)
        top = QHBoxLayout()
        top.addWidget(self.channel, 1)
        top.addWidget(self.auto)
        self._column.setContentsMargins(SPACE, TIGHT, SPACE, SPACE)
        self._column.setSpacing(TIGHT)
        self._column.addLayout(top)
        self._column.addLayout(fields)

    def _connect(self) -> None:
        session = self._session
        for field in (self.low, self.high, self.gamma):
            field.valueChanged.connect(self._type)
        self.auto.clicked.connect(session.navigation.auto_contrast)
        listen(self, session.movie_changed, self._on_movie)
        listen(self, session.view.changed, self._on_view)
        listen(self, session.navigation.plane_changed, self._on_plane)

    # -- following the session -----------------------------------------------------------------------

    def _on_movie(self) -> None:
        movie = self._session.movie
        self.setEnabled(movie is not None)
        integer = movie is None or movie.info.dtype.kind in "iub"
        for field in (self.low, self.high):
            field.blockSignals(True)
            field.setDecimals(0 if integer else 4)
            field.blockSignals(False)
        self._show_channel()
        self._show_range()
        self._on_plane()

    def _on_view(self, names: frozenset[str]) -> None:
        if "c" in names:
            self._show_channel()
        if names & {"c", "contrast"}:
            self._show_range()

    def _on_plane(self) -> None:
        if self.isVisible() and not self._delay.isActive():
            self._delay.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Measure what was missed while hidden."""
        super().showEvent(event)
        self._on_plane()

    # -- showing -------------------------------------------------------------------------------------

    def _show_channel(self) -> None:
        movie = self._session.movie
        names = () if movie is None else channel_names(movie.info.channel_names, movie.info.sizes.c)
        self.channel.setText(names[self._session.view.c] if len(names) > 1 else "")

    def _show_range(self) -> None:
        contrast = self._session.navigation.contrast
        for field, value in (
            (self.low, contrast.low),
            (self.high, contrast.high),
            (self.gamma, contrast.gamma),
        ):
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)
        if self._plot is not None:
            self._plot.show_range(contrast.low, contrast.high)

    def _measure(self) -> None:
        """Draw the histogram of the plane, once there is one to draw in."""
        # Invisible: a tab that was shown and covered again, as when the window starts.
        if self._plot is None or not self.isVisible():
            return
        plane = self._session.navigation.plane
        if plane is None:
            self._plot.show_nothing()
            return
        self.measured += 1
        step = max(1, int(np.sqrt(plane.shape[0] * plane.shape[1] / _PIXELS)))
        sample = plane[::step, ::step]
        counts, edges = histogram(sample, _bins(sample))
        contrast = self._session.navigation.contrast
        self._plot.show_counts(counts, edges, contrast.low, contrast.high)

    # -- asking --------------------------------------------------------------------------------------

    def _drag(self, low: float, high: float, final: bool) -> None:
        self._ask(Contrast(low, high, self._session.navigation.contrast.gamma), final=final)

    def _type(self) -> None:
        self._ask(Contrast(self.low.value(), self.high.value(), self.gamma.value()), final=True)

    def _ask(self, contrast: Contrast, *, final: bool) -> None:
        if self._session.movie is not None and contrast.high > contrast.low:
            self._session.navigation.set_contrast(contrast, final=final)
        else:
            self._show_range()


def _bins(sample: Plane) -> int:
    """One bin per value of integers where they are few: more bins than values would leave gaps."""
    if sample.dtype.kind not in "iu" or sample.size == 0:
        return _BINS
    return max(1, min(_BINS, int(sample.max()) - int(sample.min()) + 1))
