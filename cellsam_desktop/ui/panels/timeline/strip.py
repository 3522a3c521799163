"""The painted part of the timeline.

Everything that depends on the movie is painted once into a pixmap and reused until it changes; a step to
another frame paints one line over it. The cost depends on the width of the strip and on the number of
frames, never on the number of cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cellsam_desktop.core.wording import counted
from cellsam_desktop.ui.panels.timeline import scale
from cellsam_desktop.ui.theme import Theme, follow_theme

MAX_SPANS = 4
"""Selected cells beyond this number show no span of their own."""


@dataclass(frozen=True)
class Span:
    """Frames on which one cell has masks, ascending, and the cell's colour."""

    colour: tuple[int, int, int]
    frames: Sequence[int]


@dataclass(frozen=True)
class StripContent:
    """What the strip shows: masks per frame (T,), frames encoded, frames that failed with the reason, how
    many masks are doubtful on each frame that has any, and the frames marked as complete.
    """

    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    encoded: frozenset[int] = frozenset()
    failed: Mapping[int, str] = field(default_factory=dict)
    doubtful: Mapping[int, int] = field(default_factory=dict)
    complete: frozenset[int] = frozenset()

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.counts.size)

    def same_as(self, other: StripContent) -> bool:
        """Whether both look the same."""
        same = self.encoded == other.encoded and self.failed == other.failed
        same = same and self.doubtful == other.doubtful and self.complete == other.complete
        return same and np.array_equal(self.counts, other.counts)


class FrameStrip(QWidget):
    """Shows the frames of a movie; ``scrubbed`` asks for a frame. ``renders`` counts full paintings."""

    scrubbed = Signal(int)

    SPANS_TOP, SPAN_PITCH = 4, 4
    BARS_TOP, BARS_HEIGHT = 22, 14
    ENCODED_TOP, ENCODED_HEIGHT = 38, 3
    LABELS_TOP, HEIGHT = 43, 58
    MARGIN = 10

    def __init__(self) -> None:
        super().__init__()
        self.renders = 0
        self._content = StripContent()
        self._spans: tuple[Span, ...] = ()
        self._current = 0
        self._cached: QPixmap | None = None
        self._theme: Theme
        self.setFixedHeight(self.HEIGHT)
        self.setMinimumWidth(160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Frames")
        follow_theme(self, self._use_theme)

    def set_content(self, content: StripContent) -> None:
        """Show other counts, encoded or failed frames."""
        if not content.same_as(self._content):
            self._content = content
            self._repaint_all()

    def set_spans(self, spans: Sequence[Span]) -> None:
        """Show where the selected cells have masks."""
        if tuple(spans[:MAX_SPANS]) != self._spans:
            self._spans = tuple(spans[:MAX_SPANS])
            self._repaint_all()

    def set_current(self, t: int) -> None:
        """Mark the frame on screen."""
        if t != self._current:
            self._current = t
            self.update()

    def frame_at(self, x: float) -> int:
        """The frame under a position of the strip."""
        return self._axis.frame_at(x)

    def x_of(self, t: int) -> float:
        """Middle of a frame on the strip."""
        return self._axis.middle(t)

    # -- Qt ----------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(600, self.HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Reuse the cached picture and draw the current frame over it."""
        if self._cached is None or self._cached.deviceIndependentSize() != self.size():
            self._cached = self._render()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._cached)
        if self._content.frames:
            self._paint_current(painter)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to scrub."""
        self._scrub(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on scrubbing while the button is down."""
        self._scrub(event)

    def event(self, event: QEvent) -> bool:
        """Tell about the frame under the mouse in a tool tip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._content.frames:
            QToolTip.showText(event.globalPos(), self.describe(self.frame_at(event.pos().x())), self)
            return True
        return super().event(event)

    def describe(self, t: int) -> str:
        """One line about a frame, for the tool tip."""
        count = int(self._content.counts[t])
        masks = counted(count, "mask") if count else "no masks"
        if t in self._content.failed:
            return f"Frame {t + 1}: {masks}. {self._content.failed[t]}"
        doubtful = f", {self._content.doubtful[t]} doubtful" if t in self._content.doubtful else ""
        complete = ", complete" if t in self._content.complete else ""
        encoded = "encoded" if t in self._content.encoded else "not encoded yet"
        return f"Frame {t + 1}: {masks}{complete}{doubtful}, {encoded}"

    # -- painting ----------------------------------------------------------------------------------

    @property
    def _axis(self) -> scale.FrameAxis:
        return scale.FrameAxis(self._content.frames, self.MARGIN, self.width() - self.MARGIN)

    def _use_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._repaint_all()

    def _repaint_all(self) -> None:
        self._cached = None
        self.update()

    def _scrub(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._content.frames:
            self.scrubbed.emit(self.frame_at(event.position().x()))

    def _render(self) -> QPixmap:
        self.renders += 1
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(self._theme.colour("window"))
        if self._content.frames:
            painter = QPainter(picture)
            painter.setPen(Qt.PenStyle.NoPen)
            self._paint_bars(painter)
            self._paint_complete(painter)
            self._paint_doubtful(painter)
            self._paint_encoded(painter)
            self._paint_spans(painter)
            self._paint_labels(painter)
            painter.end()
        return picture

    def _paint_bars(self, painter: QPainter) -> None:
        """One bar per frame with masks; its height grows with the square root of their number."""
        base = self.BARS_TOP + self.BARS_HEIGHT
        painter.setBrush(self._theme.colour("border"))
        painter.drawRect(QRectF(self._axis.left, base, self._axis.right - self._axis.left, 1))
        heights = np.sqrt(self._content.counts / max(1, int(self._content.counts.max())))
        self._paint_columns(painter, heights, self._theme.colour("muted", 0.55), 2.0)

    def _paint_complete(self, painter: QPainter) -> None:
        """The bars of complete frames are green; one without masks has a low one."""
        shares = np.zeros(self._content.frames)
        frames = [t for t in self._content.complete if t < self._content.frames]
        shares[frames] = np.sqrt(self._content.counts[frames] / max(1, int(self._content.counts.max())))
        shares[frames] = np.maximum(shares[frames], 3.0 / self.BARS_HEIGHT)
        self._paint_columns(painter, shares, self._theme.colour("good"), 3.0)

    def _paint_doubtful(self, painter: QPainter) -> None:
        """The part of each bar that is doubtful, in the colour of a warning, from its foot up."""
        counts = np.zeros(self._content.frames)
        for t, count in self._content.doubtful.items():
            counts[t] = count / max(count, int(self._content.counts[t]))
        heights = np.sqrt(self._content.counts / max(1, int(self._content.counts.max()))) * counts
        self._paint_columns(painter, heights, self._theme.colour("warning"), 3.0)

    def _paint_columns(
        self, painter: QPainter, shares: npt.NDArray[np.float64], colour: QColor, lowest: float
    ) -> None:
        """A column per frame with a share above 0, of that share of the bars' height."""
        base = self.BARS_TOP + self.BARS_HEIGHT
        bars = []
        for left, right, share in self._axis.columns(shares):
            height = max(lowest, self.BARS_HEIGHT * share)
            bars.append(QRectF(left, base - height, max(1.5, right - left), height))
        painter.setBrush(colour)
        painter.drawRects(bars)

    def _paint_encoded(self, painter: QPainter) -> None:
        self._paint_runs(painter, sorted(self._content.encoded), self._theme.colour("accent", 0.55))
        self._paint_runs(painter, sorted(self._content.failed), self._theme.colour("error"))

    def _paint_runs(self, painter: QPainter, frames: Sequence[int], colour: QColor) -> None:
        painter.setBrush(colour)
        for first, last in scale.runs(frames):
            left, right = self._axis.left_of(first), self._axis.left_of(last + 1)
            painter.drawRect(QRectF(left, self.ENCODED_TOP, max(1.0, right - left), self.ENCODED_HEIGHT))

    def _paint_spans(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, span in enumerate(self._spans):
            painter.setBrush(QColor(*span.colour))
            top = self.SPANS_TOP + row * self.SPAN_PITCH
            for first, last in scale.runs(span.frames):
                left, right = self._axis.left_of(first), self._axis.left_of(last + 1)
                painter.drawRoundedRect(QRectF(left, top, max(3.0, right - left), 3), 1.5, 1.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_labels(self, painter: QPainter) -> None:
        font = self.font()
        font.setPointSizeF(max(6.5, font.pointSizeF() * 0.8))
        painter.setFont(font)
        painter.setPen(self._theme.colour("muted"))
        for t in scale.label_frames(self._content.frames, self._axis.right - self._axis.left):
            place = QRectF(self._axis.middle(t) - 30, self.LABELS_TOP, 60, self.HEIGHT - self.LABELS_TOP)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, str(t + 1))

    def _paint_current(self, painter: QPainter) -> None:
        x = self._axis.middle(min(self._current, self._content.frames - 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("accent"))
        painter.drawRect(QRectF(x - 0.75, 2, 1.5, self.LABELS_TOP - 3))
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 0), QPointF(x + 5, 0), QPointF(x, 7)]))
