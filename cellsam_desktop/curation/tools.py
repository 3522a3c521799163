"""The six tools as one state machine over pointer events in plane pixels. Knows no Qt.

The canvas forwards presses, moves and releases; what they mean depends on the tool alone. A drag is
pushed once, on release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from cellsam_desktop.core.prompts import Box
from cellsam_desktop.curation.view_state import Tool

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

Button = Literal["left", "right", "middle"]
Modifiers = frozenset[str]

# A press and release closer than this (pixels of the plane) is a click, not a box.
_MINIMAL_BOX = 2.0


@dataclass(frozen=True)
class BoxPreview:
    """A box being dragged."""

    box: Box


@dataclass(frozen=True)
class PathPreview:
    """A brush stroke, eraser stroke or lasso being drawn, as (x, y) points."""

    points: tuple[tuple[float, float], ...]
    tool: Tool
    radius: float
    erase: bool


@dataclass(frozen=True)
class LinkPreview:
    """A line being dragged from a mother to a daughter, or right through a mask to cut it, between (x, y)."""

    start: tuple[float, float]
    end: tuple[float, float]


Preview = BoxPreview | PathPreview | LinkPreview


class ToolController:
    """Turns pointer events into intents.

    ``preview`` is what is being dragged; ``hovered_cell`` the cell under the mouse with the select tool.
    ``preview_changed`` announces both.
    """

    preview_changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._start: tuple[float, float] | None = None
        self._path: list[tuple[float, float]] = []
        self._erasing = False
        self._linking: int | None = None
        self._spot: tuple[float, float] | None = None
        self.preview: Preview | None = None
        self.hovered_cell: int | None = None
        session.view.changed.connect(self._on_view)

    @property
    def cursor_radius(self) -> float | None:
        """Radius in pixels of the circle to draw at the mouse, or None for tools without one."""
        view = self._session.view
        return view.brush_radius if view.tool in (Tool.BRUSH, Tool.ERASER) else None

    @property
    def dragging(self) -> bool:
        """Whether a drag is under way."""
        return self._start is not None

    def press(self, x: float, y: float, button: Button, modifiers: Modifiers = frozenset()) -> None:
        """A mouse button went down at (x, y)."""
        tool = self._session.view.tool
        if self._session.movie is None or button == "middle" or self.dragging:
            return
        if tool is Tool.POINT:
            self._click(x, y, button, modifiers)
        elif tool is Tool.SELECT:
            if button == "left":
                self._press_cell(x, y, extend=bool(modifiers & {"shift", "ctrl"}))
            else:
                self._start, self._erasing = (x, y), True
        elif tool is Tool.BOX and button == "right":
            self._click(x, y, button, modifiers)
        else:
            self._begin(x, y, erase=tool is Tool.ERASER or button == "right")

    def move(self, x: float, y: float, modifiers: Modifiers = frozenset()) -> None:
        """The mouse moved to (x, y), with or without a button."""
        tool = self._session.view.tool
        if self._start is not None:
            self._drag(x, y)
        elif tool is Tool.POINT:
            self._session.prompting.hover_at(x, y, positive="shift" not in modifiers)
        elif tool is Tool.SELECT:
            self._hover_cell(self._session.editing.cell_at(x, y))

    def release(self, x: float, y: float, modifiers: Modifiers = frozenset()) -> None:
        """The button that began a drag went up at (x, y)."""
        if self._start is None:
            return
        self._drag(x, y)
        start, path, erase = self._start, self._path, self._erasing
        tool, radius, linking = self._session.view.tool, self._session.view.brush_radius, self._linking
        spot = self._spot
        self.cancel()
        over = "ctrl" in modifiers
        if tool is Tool.SELECT and erase:
            self._finish_cut(spot, start, (x, y))
        elif tool is Tool.SELECT:
            self._finish_link(linking, start, (x, y))
        elif tool is Tool.BOX:
            self._finish_box(start, (x, y), modifiers)
        elif tool is Tool.LASSO:
            self._session.painting.lasso(path, erase=erase or "shift" in modifiers, over=over)
        else:
            self._session.painting.stroke(path, radius, erase=erase, over=over)

    def leave(self) -> None:
        """The mouse left the canvas."""
        self._session.prompting.hover_leave()
        self._hover_cell(None)

    def cancel(self) -> bool:
        """Drop the drag under way; False when there is none."""
        if self._start is None:
            self._spot = None
            return False
        self._start, self._path, self.preview = None, [], None
        self._linking, self._erasing, self._spot = None, False, None
        self._session.prompting.hover_leave()
        self.preview_changed.emit()
        return True

    def _click(self, x: float, y: float, button: Button, modifiers: Modifiers) -> None:
        positive = button == "left" and "shift" not in modifiers
        self._session.prompting.add_point(x, y, positive)

    def _press_cell(self, x: float, y: float, *, extend: bool) -> None:
        """Select; from a cell on, a drag may follow. A mother of the frame before is selected on release."""
        start = None if extend else self._session.dividing.start_at(x, y)
        if start is None or not self._session.dividing.ended(start):
            self._session.editing.select_at(x, y, extend=extend)
        if start is not None:
            self._linking, self._start = start, (x, y)

    def _finish_link(self, cell_id: int | None, start: tuple[float, float], end: tuple[float, float]) -> None:
        dividing = self._session.dividing
        dragged = _is_drag(start, end)
        if cell_id is not None and dragged and dividing.drop(cell_id, *end):
            return
        if cell_id is not None and dividing.ended(cell_id):
            self._session.editing.select_at(*start, extend=False)

    def _finish_cut(
        self, spot: tuple[float, float] | None, start: tuple[float, float], end: tuple[float, float]
    ) -> None:
        """A line through a mask cuts it in two, and so do two clicks, one on each half."""
        tracks = self._session.tracks
        if _is_drag(start, end):
            tracks.split_by_line(start, end)
        elif spot is not None:
            tracks.split_by_spots(spot, end)
        elif self._session.editing.cell_at(*end) is not None:
            self._spot = end
            self._session.notices.info("Right-click the other half to cut this mask in two.")

    def _begin(self, x: float, y: float, *, erase: bool) -> None:
        self._start, self._path, self._erasing = (x, y), [(x, y)], erase
        self._drag(x, y)

    def _drag(self, x: float, y: float) -> None:
        assert self._start is not None
        view = self._session.view
        if view.tool is Tool.SELECT:
            self.preview = LinkPreview(self._start, (x, y)) if _is_drag(self._start, (x, y)) else None
        elif view.tool is Tool.BOX:
            box = Box.from_corners(*self._start, x, y)
            self.preview = BoxPreview(box)
            if _is_box(self._start, (x, y)):
                self._session.prompting.hover_box(box)
        else:
            if (x, y) != self._path[-1]:
                self._path.append((x, y))
            self.preview = PathPreview(tuple(self._path), view.tool, view.brush_radius, self._erasing)
        self.preview_changed.emit()

    def _finish_box(self, start: tuple[float, float], end: tuple[float, float], modifiers: Modifiers) -> None:
        if _is_box(start, end):
            self._session.prompting.set_box(Box.from_corners(*start, *end))
        else:
            self._click(*end, "left", modifiers)

    def _hover_cell(self, cell_id: int | None) -> None:
        if cell_id != self.hovered_cell:
            self.hovered_cell = cell_id
            self.preview_changed.emit()

    def _on_view(self, names: frozenset[str]) -> None:
        if names & {"tool", "t", "z"}:
            self.cancel()
            self._hover_cell(None)


def _is_box(start: tuple[float, float], end: tuple[float, float]) -> bool:
    return min(abs(end[0] - start[0]), abs(end[1] - start[1])) >= _MINIMAL_BOX


def _is_drag(start: tuple[float, float], end: tuple[float, float]) -> bool:
    return max(abs(end[0] - start[0]), abs(end[1] - start[1])) >= _MINIMAL_BOX
