"""The window: canvas in the middle, timeline below, cells at the right, and what holds them together."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QShowEvent,
)
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMessageBox, QTabWidget, QVBoxLayout, QWidget

from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.action_table import MENUS
from cellsam_desktop.ui.canvas.canvas import Canvas
from cellsam_desktop.ui.dialogs.desk import Desk
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.notice_overlay import NoticeOverlay
from cellsam_desktop.ui.panels.cell import CellPanel
from cellsam_desktop.ui.panels.contrast import ContrastPanel
from cellsam_desktop.ui.panels.layers import LayersPanel
from cellsam_desktop.ui.panels.lineage import LineagePanel
from cellsam_desktop.ui.panels.timeline import Timeline
from cellsam_desktop.ui.panels.tool_bar import ToolBar
from cellsam_desktop.ui.status_bar import StatusBar
from cellsam_desktop.ui.theme import Appearance

_SIZE = (1360, 860)
_DOCK_WIDTH = 340
_CELLS_HEIGHT = 420
_SELECTED_HEIGHT = 340
_TICK_MS = 500
_STATE_VERSION = 2


class MainWindow(QMainWindow):
    """Puts the panels around the canvas. ``closed`` is emitted once, when all work has been put away."""

    closed = Signal()

    def __init__(self, session: Session, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("window")
        self.session = session
        self.canvas = Canvas(session)
        self.desk = Desk(self, session, appearance)
        actions = self.desk.actions
        self.layers = LayersPanel(session, actions)
        self.cell = CellPanel(session)
        self.lineage = LineagePanel(session)
        self.contrast = ContrastPanel(session)
        self.timeline = Timeline(session)
        self.tool_bar = ToolBar(session, actions)
        self.notices = NoticeOverlay(session, self.canvas)
        self._build()
        actions.adopt_canvas(self.canvas)
        actions.fill_menu_bar(self.menuBar(), MENUS)
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(lambda: session.tick(time.monotonic()))
        self._tick.start()
        listen(self, session.movie_changed, self._show_title)
        listen(self, session.saving.changed, self._show_title)
        self._show_title()
        self._restore()

    # -- what actions ask ------------------------------------------------------------------------------

    def fit_view(self) -> None:
        """Show the whole plane."""
        self.canvas.fit()

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the canvas."""
        self.canvas.zoom_at(QPointF(self.canvas.width() / 2, self.canvas.height() / 2), factor)

    def hold_pan(self, on: bool) -> None:
        """While on, dragging with the left button moves the view."""
        self.canvas.pointer.hold_pan(on)

    def picture(self) -> QImage:
        """The view as it is on screen, in twice its resolution."""
        return self.canvas.snapshot()

    def prepare(self) -> bool:
        """Make one of the parts that the start did not wait for; False when all are there."""
        return self.cell.prepare() or self.contrast.prepare() or self.lineage.prepare()

    # -- building --------------------------------------------------------------------------------------

    def _build(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.timeline)
        self.setCentralWidget(middle)
        self.resize(*_SIZE)
        self.tool_bar.setObjectName("tools")
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.tool_bar)
        self._build_docks()
        self.status = StatusBar(self.session, self.canvas)
        self.setStatusBar(self.status)
        self.status.training.clicked.connect(self.desk.train)
        self.setAcceptDrops(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def _build_docks(self) -> None:
        """The tab bar names the upper docks, so they need no title bar; dragging a tab moves its dock."""
        self.setTabPosition(Qt.DockWidgetArea.RightDockWidgetArea, QTabWidget.TabPosition.North)
        self.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks
            | QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.GroupedDragging
        )
        cells, contrast = self._dock("Cells", self.layers), self._dock("Contrast", self.contrast)
        lineage, selected = self._dock("Lineage", self.lineage), self._dock("Selected", self.cell)
        for dock in (cells, lineage, contrast):
            dock.setTitleBarWidget(QWidget(dock))
        self.tabifyDockWidget(cells, lineage)
        self.tabifyDockWidget(lineage, contrast)
        cells.raise_()
        self.resizeDocks([cells, selected], [_CELLS_HEIGHT, _SELECTED_HEIGHT], Qt.Orientation.Vertical)
        self.resizeDocks([cells, selected], [_DOCK_WIDTH, _DOCK_WIDTH], Qt.Orientation.Horizontal)

    def _dock(self, title: str, panel: QWidget) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock {title}")
        dock.setWidget(panel)
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
        )
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        return dock

    def _show_title(self) -> None:
        movie = self.session.movie
        self.setWindowTitle(movie.info.path.name if movie is not None else "")
        self.setWindowFilePath(
            str(movie.project_path) if movie is not None and movie.store is not None else ""
        )

    # -- dropping files --------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files, folders and projects."""
        if _dropped(event) is not None:
            event.acceptProposedAction()
            self.canvas.invitation.set_lit(True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Wherever in the window."""
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Nothing came of it."""
        self.canvas.invitation.set_lit(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.canvas.invitation.set_lit(False)
        path = _dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.session.open(path)

    # -- beginning and end -----------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """The keys of the canvas act from the start."""
        super().showEvent(event)
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def changeEvent(self, event: QEvent) -> None:
        """Coming back to the window, the keys act on the canvas again."""
        super().changeEvent(event)
        if (
            event.type() == QEvent.Type.ActivationChange
            and self.isActiveWindow()
            and self.focusWidget() is None
        ):
            self.canvas.setFocus(Qt.FocusReason.ActiveWindowFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Put everything away; when the last changes cannot be saved, ask first."""
        self._remember()
        if not self.session.shutdown() and not (self._may_discard() and self._discard()):
            event.ignore()
            return
        self._tick.stop()
        event.accept()
        self.closed.emit()

    def _discard(self) -> bool:
        return self.session.shutdown(discard_unsaved=True)

    def _may_discard(self) -> bool:
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            "Not saved",
            "The last changes could not be saved, and closing would lose them.\n"
            "Cancel, then make room or save the project in another place with Save As.",
            QMessageBox.StandardButton.Discard | QMessageBox.StandardButton.Cancel,
            self,
        )
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        return box.exec() == QMessageBox.StandardButton.Discard

    def _remember(self) -> None:
        kept = {"geometry": self.saveGeometry(), "state": self.saveState(_STATE_VERSION)}
        self.session.settings.window = {name: data.toBase64().toStdString() for name, data in kept.items()}

    def _restore(self) -> None:
        kept = self.session.settings.window
        self.restoreGeometry(QByteArray.fromBase64(kept.get("geometry", "").encode()))
        self.restoreState(QByteArray.fromBase64(kept.get("state", "").encode()), _STATE_VERSION)


def _dropped(event: QDropEvent) -> Path | None:
    """The one local file or folder that is being dropped, or None."""
    files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
    return Path(files[0]) if len(files) == 1 else None
