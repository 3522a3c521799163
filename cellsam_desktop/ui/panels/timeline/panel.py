"""The timeline: play, scrub, and choose depth and channel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.curation.session import Session
from cellsam_desktop.settings import PLAY_FPS
from cellsam_desktop.ui import icons
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.palette import colour_of
from cellsam_desktop.ui.panels.fields import panel_field
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.panels.timeline.counts import FrameCounts
from cellsam_desktop.ui.panels.timeline.plane_choice import PlaneChoice
from cellsam_desktop.ui.panels.timeline.strip import MAX_SPANS, FrameStrip, Span, StripContent
from cellsam_desktop.ui.theme import SPACE, TIGHT, follow_theme, theme_of


class Timeline(QWidget):
    """Follows the session's movie, view, document and encoding; asks its navigation for frames."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._counts = FrameCounts()
        self.strip = FrameStrip()
        self.strip.scrubbed.connect(session.navigation.go_to)
        self.planes = PlaneChoice(session, self)
        self.play = QToolButton()
        self.frame_label = QLabel()
        self.time_label = muted()
        self.fps = panel_field(*PLAY_FPS, 1, " fps")
        self._build()
        follow_theme(self, self._show_playing)
        listen(self, session.movie_changed, self._on_movie)
        listen(self, session.document_changed, self._on_document)
        listen(self, session.view.changed, self._on_view)
        listen(self, session.encoding.changed, self._show_content)
        listen(self, session.navigation.playing_changed, self._show_playing)
        listen(self, session.navigation.rate_changed, self._show_rate)
        listen(self, session.reviewing.changed, self._show_content)
        self._on_movie()

    def _build(self) -> None:
        self.play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.play.setAutoRaise(True)
        self.play.clicked.connect(self._session.navigation.toggle_play)
        self.frame_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        self.time_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        self.fps.setFixedWidth(72)
        self.fps.setToolTip("Frames per second while playing")
        self.fps.setValue(self._session.settings.play_fps)
        self.fps.valueChanged.connect(self._set_fps)
        numbers = QVBoxLayout()
        numbers.setSpacing(0)
        numbers.addStretch()
        numbers.addWidget(self.frame_label)
        numbers.addWidget(self.time_label)
        numbers.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, TIGHT, SPACE, TIGHT)
        row.setSpacing(SPACE)
        for part in (self.play, numbers, self.strip, self.fps, self.planes):
            if isinstance(part, QVBoxLayout):
                row.addLayout(part)
            else:
                row.addWidget(part, 1 if part is self.strip else 0)

    # -- following the session -----------------------------------------------------------------------

    def _on_movie(self) -> None:
        movie = self._session.movie
        self.setEnabled(movie is not None)
        frames = 0 if movie is None else movie.info.sizes.t
        self._counts = FrameCounts() if movie is None else FrameCounts.of(movie.document, frames)
        for part in (self.play, self.fps, self.strip, self.frame_label):
            part.setVisible(frames > 1)
        self._show_where_useful()
        widest = f"{frames} / {frames}"
        self.frame_label.setMinimumWidth(self.frame_label.fontMetrics().horizontalAdvance(widest) + TIGHT)
        self._show_content()
        self._show_spans()
        self._show_frame()

    def _show_where_useful(self) -> None:
        """A single image has no time, depth or channel to choose: its canvas gets the room."""
        movie = self._session.movie
        sizes = None if movie is None else movie.info.sizes
        useful = sizes is not None and max(sizes.t, sizes.z, sizes.c) > 1
        if not useful or self.parentWidget() is not None:  # without a parent it would become a window
            self.setVisible(useful)

    def _on_document(self, changes: ChangeSet) -> None:
        movie = self._session.movie
        if movie is None:
            return
        if self._counts.update(movie.document, changes) or changes.complete:
            self._show_content()
        if changes.touched_cells & set(self._session.view.selection):
            self._show_spans()
        if changes.calibration:
            self._show_frame()

    def _on_view(self, names: frozenset[str]) -> None:
        if "t" in names:
            self._show_frame()
        if "selection" in names:
            self._show_spans()

    def _set_fps(self, fps: float) -> None:
        if fps != self._session.settings.play_fps:
            self._session.navigation.set_rate(fps)

    def _show_rate(self, fps: float) -> None:
        self.fps.blockSignals(True)  # it shows tenths, which need not be the rate
        self.fps.setValue(fps)
        self.fps.blockSignals(False)

    # -- showing -------------------------------------------------------------------------------------

    def _show_content(self) -> None:
        encoding, movie = self._session.encoding, self._session.movie
        z = self._session.view.z
        complete = () if movie is None else (key.t for key in movie.document.complete if key.z == z)
        self.strip.set_content(
            StripContent(
                self._counts.per_frame.copy(),
                encoding.encoded_frames,
                dict(encoding.failed_frames),
                self._session.reviewing.per_frame,
                frozenset(complete),
            )
        )

    def _show_spans(self) -> None:
        movie = self._session.movie
        chosen = () if movie is None else self._session.view.selection[:MAX_SPANS]
        self.strip.set_spans(
            [Span(colour_of(i), tuple(movie.document.frames(i))) for i in chosen if movie is not None]
        )

    def _show_frame(self) -> None:
        movie, t = self._session.movie, self._session.view.t
        self.strip.set_current(t)
        if movie is None:
            self.frame_label.clear()
            self.time_label.clear()
            return
        self.frame_label.setText(f"{t + 1} / {movie.info.sizes.t}")
        interval = movie.document.calibration.frame_interval_s
        self.time_label.setVisible(interval is not None and movie.info.sizes.t > 1)
        self.time_label.setText("" if interval is None else clock(t * interval))

    def _show_playing(self, _: object = None) -> None:
        playing = self._session.navigation.playing
        self.play.setIcon(icons.icon("pause" if playing else "play", theme_of(self)))
        self.play.setToolTip("Pause" if playing else "Play")


def clock(seconds: float) -> str:
    """A time as "4.5 s", "3:20 min" or "2:05:00 h"."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
