"""The mouse on the canvas: panning, zooming and brush size here, everything else to the tools.

Moves are passed on at most once per screen frame and never queue: only the latest position counts, except
while something is drawn, where each position is a point of the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent

from cellsam_desktop.curation.view_state import Tool

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session
    from cellsam_desktop.ui.canvas.view import PlaneView

FRAME_MS = 16
_NOTCH = 120.0
_ZOOM_PER_NOTCH = 1.25
_DRAWING = (Tool.BRUSH, Tool.ERASER, Tool.LASSO)
_BUTTONS: dict[Qt.MouseButton, Literal["left", "right"]] = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.RightButton: "right",
}
_MODIFIERS = {
    Qt.KeyboardModifier.ShiftModifier: "shift",
    Qt.KeyboardModifier.ControlModifier: "ctrl",
    Qt.KeyboardModifier.AltModifier: "alt",
}


class Pointer(QObject):
    """Translates Qt's mouse events. ``position`` is the mouse in widget pixels, None when it is elsewhere.

    ``moved`` is emitted on every move and on leaving; ``forwarded`` counts the moves that reached the tools.
    """

    moved = Signal()
    panning_changed = Signal()

    def __init__(self, session: Session, view: PlaneView) -> None:
        super().__init__(view)
        self._session = session
        self._view = view
        self._tools = session.tools
        self.position: QPointF | None = None
        self.forwarded = 0
        self._pending: list[tuple[QPointF, Qt.KeyboardModifier]] = []
        self._button = Qt.MouseButton.NoButton
        self._space = False
        self._grip: QPointF | None = None
        self._sizing: float | None = None
        self._notches = 0.0
        self._tick = QTimer(self)
        self._tick.setInterval(FRAME_MS)
        self._tick.setTimerType(Qt.TimerType.PreciseTimer)
        self._tick.timeout.connect(self._on_tick)

    @property
    def panning(self) -> bool:
        """Whether the hand is shown instead of the tool."""
        return self._space or self._grip is not None

    @property
    def gripping(self) -> bool:
        """Whether the plane is being moved right now."""
        return self._grip is not None

    def hold_pan(self, on: bool) -> None:
        """While on, the left button moves the view in every tool."""
        self._space = on
        self.panning_changed.emit()

    # -- events --------------------------------------------------------------------------------------

    def press(self, event: QMouseEvent) -> None:
        """A button went down."""
        button, position = event.button(), event.position()
        self._place(position)
        if self._button != Qt.MouseButton.NoButton:
            return
        if button == Qt.MouseButton.MiddleButton or (self._space and button == Qt.MouseButton.LeftButton):
            self._button, self._grip = button, position
            self.panning_changed.emit()
        elif button in _BUTTONS:
            self._button = button
            if self._sizes_brush(event):
                self._sizing = position.x()
                return
            self._flush()
            point = self._view.to_plane(position)
            self._tools.press(point.x(), point.y(), _BUTTONS[button], modifiers_of(event.modifiers()))

    def move(self, event: QMouseEvent) -> None:
        """The mouse moved."""
        position = event.position()
        if self._grip is not None:
            self._view.pan_by(position - self._grip)
            self._grip = position
        elif self._sizing is not None:
            self._size_brush(position.x())
            return
        elif not self._space:
            self._forward_soon(position, event.modifiers())
        self._place(position)

    def release(self, event: QMouseEvent) -> None:
        """A button came up."""
        if event.button() != self._button:
            return
        self._button = Qt.MouseButton.NoButton
        self._place(event.position())
        if self._grip is not None:
            self._grip = None
            self.panning_changed.emit()
        elif self._sizing is not None:
            self._sizing = None
        else:
            self._flush()
            point = self._view.to_plane(event.position())
            self._tools.release(point.x(), point.y(), modifiers_of(event.modifiers()))

    def leave(self) -> None:
        """The mouse left the canvas; while a button is down it still belongs to it."""
        if self._button != Qt.MouseButton.NoButton:
            return
        self._pending.clear()
        self._place(None)
        self._tools.leave()

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom at the mouse; with Ctrl step through the frames."""
        notches = event.angleDelta().y() / _NOTCH
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._view.zoom_at(event.position(), _ZOOM_PER_NOTCH**notches)
            return
        self._notches += notches
        whole = int(self._notches)
        if whole:
            self._notches -= whole
            self._session.navigation.step(-whole)

    # -- inside --------------------------------------------------------------------------------------

    def _forward_soon(self, position: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        if not self._keeps_all():
            self._pending.clear()
        self._pending.append((position, modifiers))
        if not self._tick.isActive():
            self._flush()
            self._tick.start()

    def _on_tick(self) -> None:
        if self._pending:
            self._flush()
        else:
            self._tick.stop()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        for position, modifiers in pending:
            point = self._view.to_plane(position)
            self._tools.move(point.x(), point.y(), modifiers_of(modifiers))
            self.forwarded += 1

    def _keeps_all(self) -> bool:
        return self._session.view.tool in _DRAWING and self._button != Qt.MouseButton.NoButton

    def _place(self, position: QPointF | None) -> None:
        self.position = position
        self.moved.emit()

    def _sizes_brush(self, event: QMouseEvent) -> bool:
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        return alt and self._tools.cursor_radius is not None

    def _size_brush(self, x: float) -> None:
        assert self._sizing is not None
        change = (x - self._sizing) / (2 * self._view.zoom)
        self._sizing = x
        radius = self._session.view.brush_radius + change
        self._session.view.set(brush_radius=min(max(radius, 0.5), 500.0))


def modifiers_of(modifiers: Qt.KeyboardModifier) -> frozenset[str]:
    """Qt's modifiers in the words of the tools."""
    return frozenset(name for flag, name in _MODIFIERS.items() if modifiers & flag)
