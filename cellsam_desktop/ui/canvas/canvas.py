"""The canvas widget: follows the session and owns what is drawn on the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QEnterEvent, QImage, QMouseEvent, QPainter, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QTextEdit, QWidget

from cellsam_desktop.analysis.review import Doubt
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.ui.canvas.badge import WaitingBadge
from cellsam_desktop.ui.canvas.cell_layer import STYLE, CellLayer
from cellsam_desktop.ui.canvas.draft_layer import DraftLayer
from cellsam_desktop.ui.canvas.invitation import Invitation
from cellsam_desktop.ui.canvas.legend import ColourLegend
from cellsam_desktop.ui.canvas.onion_layer import OnionLayer
from cellsam_desktop.ui.canvas.plane_item import PlaneItem
from cellsam_desktop.ui.canvas.pointer import Pointer
from cellsam_desktop.ui.canvas.proposal_layer import ProposalLayer
from cellsam_desktop.ui.canvas.scale_bar import ScaleBar
from cellsam_desktop.ui.canvas.tool_item import BrushItem, PreviewItem
from cellsam_desktop.ui.canvas.view import PlaneView
from cellsam_desktop.ui.listening import Later, listen
from cellsam_desktop.ui.theme import Theme, follow_theme

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_REMEMBER_MS = 150
_REST_MS = 120
"""Long enough that a mouse on its way is not taken for one that points at something."""
_TYPING = (QLineEdit, QTextEdit, QAbstractSpinBox, QComboBox)


class Canvas(PlaneView):
    """Shows the plane on screen with its cells and the draft, and hands the mouse to the tools."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setAccessibleName("Canvas")
        self.setMinimumSize(240, 180)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._session = session
        self.picture = PlaneItem(self.root)
        self.cells = CellLayer(session, self.root)
        self.cells.later.setParent(self)
        self.onion = OnionLayer(session, self.root)
        self.onion.later.setParent(self)
        self.proposals = ProposalLayer(session, self)
        self.draft = DraftLayer(session, self.root)
        self._draft_later = Later(self, self.draft.refresh)
        self._preview = PreviewItem(self.root)
        self._brush = BrushItem(self.root)
        self.pointer = Pointer(session, self)
        self._scale_bar = ScaleBar(self)
        self.legend = ColourLegend(self)
        self._badge = WaitingBadge(self, lambda: session.agenda.progress)
        self.invitation = Invitation(self)
        self._remember = QTimer(self, singleShot=True, interval=_REMEMBER_MS)
        self._remember.timeout.connect(self._remember_viewport)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._look_here)
        self._connect()
        follow_theme(self, self._use_theme)
        self._on_movie()

    @property
    def scale_bar(self) -> ScaleBar:
        """The bar in the corner."""
        return self._scale_bar

    @property
    def badge(self) -> WaitingBadge:
        """The ring shown while a click has to wait."""
        return self._badge

    def _connect(self) -> None:
        session = self._session
        listen(self, session.movie_changed, self._on_movie)
        listen(self, session.document_changed, self._on_document)
        listen(self, session.view.changed, self._on_view)
        listen(self, session.colouring.changed, self._on_colours)
        listen(self, session.navigation.plane_changed, self._show_plane)
        listen(self, session.encoding.changed, self._show_waiting)
        listen(self, session.prompting.changed, self._on_prompting)
        listen(self, session.prompting.hover_changed, self.draft.refresh)
        listen(self, session.tools.preview_changed, self._on_preview)
        listen(self, session.reviewing.shown, self._bring_into_view)
        self.pointer.moved.connect(self._follow_mouse)
        self.pointer.panning_changed.connect(self._choose_cursor)
        self.range_changed.connect(self._on_range)

    # -- following the session -----------------------------------------------------------------------

    def _on_movie(self) -> None:
        movie = self._session.movie
        self.invitation.setVisible(movie is None)
        if movie is not None:
            self.set_plane_size(movie.info.sizes.x, movie.info.sizes.y)
            viewport = self._session.view.viewport
            if viewport is None:
                self.fit()
            else:
                x0, y0, x1, y1 = viewport
                self.set_visible(QRectF(x0, y0, x1 - x0, y1 - y0))
        self.cells.show_movie()
        self.onion.refresh()
        self.proposals.refresh()
        self.draft.refresh()
        self._show_plane()
        self._show_scale()
        self.legend.show_legend(self._session.colouring.legend)
        self._show_waiting()
        self._choose_cursor()

    def _on_document(self, changes: ChangeSet) -> None:
        self.cells.apply(changes)
        self.onion.apply(changes)
        self.proposals.apply(changes)
        self.draft.refresh()
        if changes.calibration:
            self._show_scale()

    def _on_view(self, names: frozenset[str]) -> None:
        if "contrast" in names or "c" in names:
            self._show_plane()
        if names & {"t", "z"}:
            self.cells.show_frame()
        elif names & STYLE:
            self.cells.restyle(names)
        if names & {"t", "z", "hidden", "solo", "hide_all", "onion"}:
            self.onion.refresh()
            self.proposals.refresh()
        if names & {"tool", "hide_all", "opacity", "t", "z", "c"}:
            self.draft.refresh()
            self._show_waiting()
        if names & {"tool", "brush_radius"}:
            self._choose_cursor()

    def _on_colours(self) -> None:
        self.cells.recolour()
        self.legend.show_legend(self._session.colouring.legend)

    def _on_prompting(self) -> None:
        """A prompt appears with its mask, or soon: painting it alone would hold up the decoder."""
        prompting = self._session.prompting
        if prompting.waiting and prompting.answers.asked:
            self._draft_later.ask()
        else:
            self.draft.refresh()
        self._show_waiting()

    def _on_preview(self) -> None:
        self._preview.show_preview(self._session.tools.preview)
        self.cells.hover(self._session.tools.hovered_cell)

    def _show_plane(self) -> None:
        """Until the pixels of a new frame are there, the last ones stay."""
        session = self._session
        plane = session.navigation.plane if session.movie is not None else None
        self.picture.set_plane(plane, session.navigation.contrast)

    def _show_waiting(self) -> None:
        """Where no answer will come, or comes in a moment, there is nothing to wait for."""
        encoding = self._session.encoding
        pointing = self._session.view.tool in (Tool.POINT, Tool.BOX)
        hopeless = encoding.worker.kind == "broken" or self._session.view.t in encoding.failed_frames
        waiting = pointing and not hopeless and (self._click_waits or bool(encoding.message))
        self._badge.set_waiting(waiting, encoding.message if self._click_waits else "")
        self._place_badge()

    @property
    def _click_waits(self) -> bool:
        """Whether there is a click that has to wait for the encoder."""
        prompting = self._session.prompting
        return prompting.waiting and not prompting.answers.asked

    def _place_badge(self) -> None:
        """Around the click that waits, or else beside the mouse."""
        points = self._session.prompting.prompts.points
        if self._click_waits and points:
            self._badge.place(self.from_plane(QPointF(points[-1].x, points[-1].y)), around=True)
        else:
            self._badge.place(self.pointer.position)

    def _show_scale(self) -> None:
        movie = self._session.movie
        size = movie.document.calibration.pixel_size_um if movie is not None else None
        self._scale_bar.set_scale(self.zoom / size if size else None)

    # -- the mouse -----------------------------------------------------------------------------------

    def _follow_mouse(self) -> None:
        self._place_badge()
        self._show_brush()
        if self.pointer.position is not None:
            self._rest.start()
        else:
            self._rest.stop()
            self._session.agenda.leave()

    def _look_here(self) -> None:
        """The mouse rests: whatever is under it matters more than the rest of the plane."""
        movie, point = self._session.movie, self.mouse_in_plane()
        pointing = self._session.view.tool in (Tool.POINT, Tool.BOX)
        if (
            movie is not None
            and point is not None
            and pointing
            and movie.frame_region.contains(*point.toTuple())
        ):
            self._session.agenda.rest_at(*point.toTuple())

    def _show_brush(self) -> None:
        position = self.pointer.position
        shown = position is not None and not self.pointer.panning
        centre = self.to_plane(position) if shown and position is not None else None
        self._brush.show_circle(centre, self._session.tools.cursor_radius)

    def _choose_cursor(self) -> None:
        if self.pointer.gripping:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self.pointer.panning:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._session.movie is None or self._session.view.tool is Tool.SELECT:
            shape = Qt.CursorShape.ArrowCursor
        else:
            shape = Qt.CursorShape.CrossCursor
        self.viewport().setCursor(shape)
        self._show_brush()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hand the press to the pointer."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.pointer.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hand the move to the pointer."""
        self.pointer.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Hand the release to the pointer."""
        self.pointer.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second press of a quick pair is a press like any other."""
        self.pointer.press(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Hand the wheel to the pointer."""
        self.pointer.wheel(event)
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Keys act on the canvas as soon as the mouse is over it, unless somebody is typing."""
        if self.window().isActiveWindow() and not isinstance(QApplication.focusWidget(), _TYPING):
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().enterEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Notice when the mouse leaves."""
        if event.type() == QEvent.Type.Leave:
            self.pointer.leave()
        return super().viewportEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab chooses candidates here and never leaves the canvas."""
        return False

    # -- place and looks -----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the scale bar in its corner."""
        super().resizeEvent(event)
        self.invitation.setGeometry(self.rect())
        self._scale_bar.move(8, self.height() - self._scale_bar.height() - 8)
        self.legend.move(self.width() - self.legend.width() - 8, self.height() - self.legend.height() - 8)

    def _bring_into_view(self, doubt: Doubt) -> None:
        """Move the view to a doubtful mask that is not to be seen, or hardly."""
        movie = self._session.movie
        record = movie.document.record(doubt.cell_id, doubt.key) if movie is not None else None
        if record is None or self.fitted:
            return
        region = record.mask.region
        box = QRectF(region.x0, region.y0, region.width, region.height)
        if not self.visible.contains(box):
            self.centre_on(box.center())

    def _on_range(self) -> None:
        self.proposals.place()
        self._show_scale()
        self._show_brush()
        self._place_badge()
        self._remember.start()
        if self.pointer.position is not None:
            self._rest.start()

    def _remember_viewport(self) -> None:
        if self._session.movie is None:
            return
        seen = None if self.fitted else self.visible
        corners = None if seen is None else (seen.left(), seen.top(), seen.right(), seen.bottom())
        self._session.view.set(viewport=corners)

    def _use_theme(self, theme: Theme) -> None:
        self.set_ground(theme.colour("canvas"))

    def snapshot(self, ratio: float = 2.0) -> QImage:
        """The view as a picture, ``ratio`` times the pixels it has on screen, with the scale bar."""
        image = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        painter = QPainter(image)
        self.render(painter, QRectF(self.rect()), self.rect())
        if self._scale_bar.isVisible():
            self._scale_bar.render(painter, self._scale_bar.pos())
        painter.end()
        return image

    def mouse_in_plane(self) -> QPointF | None:
        """Where the mouse is, in plane pixels; None when it is not on the canvas."""
        return None if self.pointer.position is None else self.to_plane(self.pointer.position)
