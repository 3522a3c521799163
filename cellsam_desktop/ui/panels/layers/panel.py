"""The panel of layers: search, list, opacity."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSlider, QVBoxLayout, QWidget

from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui import icons
from cellsam_desktop.ui.actions import Actions
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.panels.fields import panel_choice
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.panels.layers.model import LayerModel
from cellsam_desktop.ui.panels.layers.rows import Show
from cellsam_desktop.ui.panels.layers.table import LayerTable
from cellsam_desktop.ui.theme import SPACE, TIGHT, Theme, follow_theme

_WIDTH = 360
_MENU = (
    "cell.refine",
    "cell.rename",
    None,
    "cell.lock",
    "cell.hide",
    "cell.solo",
    None,
    "cell.delete",
    "cell.delete_on",
)


class LayersPanel(QWidget):
    """One row per cell of the open movie."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__()
        self._session = session
        self._actions = actions
        self.model = LayerModel(session)
        self.model.setParent(self)
        self.table = LayerTable(session, self.model)
        self.search = QLineEdit()
        self._search_icon = QAction(self)
        self.show_choice = panel_choice(show.value for show in Show)
        self.count = muted()
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self._build()
        follow_theme(self, self._use_theme)
        for signal in (self.model.rowsInserted, self.model.rowsRemoved, self.model.modelReset):
            signal.connect(self._show_count)
        listen(self, session.view.changed, self._on_view)
        self._show_count()

    def sizeHint(self) -> QSize:
        """Room for a dozen cells."""
        return QSize(_WIDTH, 420)

    def _build(self) -> None:
        self.search.setPlaceholderText("Name or id")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(self._search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._ask)
        self.show_choice.currentIndexChanged.connect(self._ask)
        self.opacity.setRange(0, 100)
        self.opacity.setFixedWidth(90)
        self.opacity.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.opacity.setToolTip("Opacity of the masks")
        self.opacity.setValue(round(self._session.view.opacity * 100))
        self.opacity.valueChanged.connect(lambda value: self._session.editing.set_opacity(value / 100))
        self.table.menu_asked.connect(self._show_menu)
        top = QHBoxLayout()
        top.setContentsMargins(SPACE, SPACE, SPACE, TIGHT)
        top.setSpacing(SPACE)
        top.addWidget(self.search, 1)
        top.addWidget(self.show_choice)
        bottom = QHBoxLayout()
        bottom.setContentsMargins(SPACE, TIGHT, SPACE, TIGHT)
        bottom.setSpacing(SPACE)
        bottom.addWidget(self.count, 1)
        bottom.addWidget(muted("Opacity"))
        bottom.addWidget(self.opacity)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        column.addLayout(bottom)

    def _ask(self) -> None:
        show = Show(self.show_choice.currentText())
        self.model.ask(replace(self.model.query, text=self.search.text(), show=show))

    def _on_view(self, names: frozenset[str]) -> None:
        if "opacity" in names:
            self.opacity.blockSignals(True)
            self.opacity.setValue(round(self._session.view.opacity * 100))
            self.opacity.blockSignals(False)

    def _show_count(self) -> None:
        listed, total = self.model.rowCount(), self.model.total
        of = f"{listed} of " if listed != total else ""
        self.count.setText(f"{of}{counted(total, 'cell')}")

    def _show_menu(self, place: QPoint) -> None:
        self.context_menu().popup(self.table.viewport().mapToGlobal(place))

    def context_menu(self) -> QMenu:
        """What can be done with the selected cells."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action_id in _MENU:
            if action_id is None:
                menu.addSeparator()
            else:
                menu.addAction(self._actions[action_id])
        return menu

    def _use_theme(self, theme: Theme) -> None:
        self._search_icon.setIcon(icons.icon("search", theme))
