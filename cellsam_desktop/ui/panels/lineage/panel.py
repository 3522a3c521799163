"""The panel of the lineage: search, one lineage alone, and the drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.analysis.details import cycle_length
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui import icons
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.palette import ink, table_of
from cellsam_desktop.ui.panels.fields import panel_choice
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.panels.lineage.drawing import Ink, packed
from cellsam_desktop.ui.panels.lineage.model import LineageModel
from cellsam_desktop.ui.theme import SPACE, TIGHT, Theme, follow_theme, theme_of

if TYPE_CHECKING:
    from cellsam_desktop.ui.panels.lineage.view import LineageView


class LineagePanel(QWidget):
    """Shares its selection with canvas and list. The drawing is made with ``prepare``; while nobody looks
    nothing is laid out.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.model = LineageModel(session, self)
        self._view: LineageView | None = None
        self.search = QLineEdit()
        self._search_icon = QAction(self)
        self.alone = QToolButton()
        self.fit = QToolButton()
        self.count = muted()
        self.colour_choice = panel_choice(by.value.capitalize() for by in ColourBy)
        self._stale = True
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._follow)
        self._column = QVBoxLayout(self)
        self._build()
        follow_theme(self, self._use_theme)
        self.model.changed.connect(self._show_forest)
        listen(self, session.view.changed, self._on_view)
        listen(self, session.document_changed, self._on_document)
        listen(self, session.colouring.changed, self._on_colours)
        listen(self, session.movie_changed, self._show_choice)

    def _build(self) -> None:
        self.search.setPlaceholderText("Name or id")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(self._search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self.search.returnPressed.connect(self.find_next)
        self.alone.setCheckable(True)
        self.alone.setToolTip("Show only the lineage of the selected cell")
        self.alone.clicked.connect(self.show_alone)
        self.fit.setToolTip("Show the whole lineage")
        self.fit.clicked.connect(lambda: self.view.fit())
        top = QHBoxLayout()
        top.setContentsMargins(SPACE, SPACE, SPACE, TIGHT)
        top.setSpacing(TIGHT)
        top.addWidget(self.search, 1)
        for button in (self.alone, self.fit):
            top.addWidget(button)
        self._bottom = QHBoxLayout()
        self._bottom.setContentsMargins(SPACE, TIGHT, SPACE, TIGHT)
        self._bottom.addWidget(self.count)
        self._bottom.addStretch()
        self._bottom.addWidget(self.colour_choice)
        self.colour_choice.setProperty("role", "small")
        self.colour_choice.setToolTip("What the colours tell")
        self.colour_choice.activated.connect(
            lambda number: self._session.view.set(colour_by=list(ColourBy)[number])
        )
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(top)
        self._column.addLayout(self._bottom)

    @property
    def view(self) -> LineageView:
        """The drawing; made if it is not there."""
        if self._view is None:
            from cellsam_desktop.ui.panels.lineage.view import LineageView

            self._view = LineageView(self._title, self._describe)
            self._view.pointed.connect(self._point)
            self._view.banded.connect(self._session.editing.select)
            self._column.insertWidget(1, self._view, 1)
            follow_theme(self._view, lambda _: self._show_forest())
        return self._view

    def prepare(self) -> bool:
        """Make the drawing, for which the window's start does not wait; False when it is there already."""
        if self._view is not None:
            return False
        return self.view is not None

    def sizeHint(self) -> QSize:
        """Room for a small lineage."""
        return QSize(360, 420)

    # -- what the buttons do -----------------------------------------------------------------------

    def find_next(self) -> None:
        """Select the next cell, after the selected one, whose name or id is the text."""
        found = [i for i in self._session.editing.find(self.search.text()) if self._spans(i)]
        if not found:
            return
        selection = self._session.view.selection
        after = selection[-1] if selection else 0
        cell_id = next((i for i in found if i > after), found[0])
        first, last = self._spans(cell_id) or (0, 0)
        t = self._session.view.t
        self._point(cell_id, min(max(t, first), last), False)

    def show_alone(self, on: bool) -> None:
        """Show only the lineage of the last selected cell, or all."""
        selection = self._session.view.selection
        self.model.show_alone(selection[-1] if on and selection else None)
        self.alone.setChecked(self.model.alone is not None)

    # -- following the session -----------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while nobody looked."""
        super().showEvent(event)
        self.model.wake(True)
        self._soon.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self.model.wake(False)

    def _on_view(self, names: frozenset[str]) -> None:
        if names & {"t", "selection"} and self.isVisible():
            self._soon.start()

    def _on_document(self, changes: ChangeSet) -> None:
        if changes.cells:
            self._redraw()

    def _on_colours(self) -> None:
        self._show_choice()
        self._redraw()

    def _redraw(self) -> None:
        """Names or colours are other ones: draw the forest again, as soon as somebody looks."""
        self._stale = True
        if self.isVisible():
            self._soon.start()

    # -- showing -------------------------------------------------------------------------------------

    def _show_forest(self) -> None:
        if self._view is None:
            return
        self._stale = False
        forest, movie = self.model.forest, self._session.movie
        self.alone.setChecked(self.model.alone is not None)
        self._view.show_forest(forest, 1 if movie is None else movie.info.sizes.t, self._ink())
        divisions = int((forest.daughters >= 0).any(axis=1).sum())
        lineages = int((forest.mother < 0).sum())
        self.count.setText(
            f"{counted(lineages, 'lineage')}, {counted(divisions, 'division')}" if len(forest) else ""
        )
        self._follow()

    def _show_choice(self) -> None:
        self.colour_choice.setCurrentIndex(list(ColourBy).index(self._session.view.colour_by))

    def _follow(self) -> None:
        """Show frame and selection, in an event of its own; the forest too if it looks different now."""
        if self._stale and self.model.pending:
            self._soon.start()
        elif self._stale:
            self._show_forest()
        elif self._view is not None:
            self._view.show_frame(self._session.view.t)
            self._view.show_selected(self._session.view.selection)

    def _ink(self) -> Ink:
        colouring, forest = self._session.colouring, self.model.forest
        table = table_of(colouring.by)
        if colouring.by in (ColourBy.CELL, ColourBy.LINEAGE):  # where a legend tells colours, they stay
            table = ink(table, dark=theme_of(self).dark)
        if not colouring.by.measured:
            return Ink(packed(table), colouring.rows(forest.ids.tolist()))
        lives = zip(forest.ids.tolist(), forest.first.tolist(), forest.last.tolist(), strict=True)
        parts = [colouring.rows_over_time(*life) for life in lives]
        starts = np.cumsum([0, *map(len, parts)])[:-1]
        rows = np.array([part[0] for part in parts], np.uint8)
        return Ink(packed(table), rows, np.concatenate([*parts, np.zeros(0, np.uint8)]), starts)

    def _point(self, cell_id: int, t: int, add: bool) -> None:
        """Go to a frame and select a cell; ``add`` adds it to the selection, or takes it out."""
        selection = self._session.view.selection
        if cell_id and add:
            kept = [i for i in selection if i != cell_id]
            self._session.editing.select(kept if cell_id in selection else [*kept, cell_id])
        elif cell_id:
            self._session.editing.select((cell_id,))
        self._session.navigation.go_to(t)

    # -- words ---------------------------------------------------------------------------------------

    def _spans(self, cell_id: int) -> tuple[int, int] | None:
        document = self.model.document
        return None if document is None else document.span(cell_id)

    def _title(self, cell_id: int) -> str:
        document = self.model.document
        name = "" if document is None or cell_id not in document else document.cell(cell_id).name
        return name or str(cell_id)

    def _describe(self, cell_id: int) -> str:
        """A cell and its relatives in a few lines, for the tool tip."""
        document, span = self.model.document, self._spans(cell_id)
        if document is None or span is None:
            return ""
        cell, lineage = document.cell(cell_id), document.lineage
        number = f" (cell {cell_id})" if cell.name else ""
        lines = [f"{cell.title}{number}", f"Frames {span[0] + 1}–{span[1] + 1}"]
        lines[-1] += f", generation {lineage.generation(cell_id)}"
        if (mother := lineage.mother(cell_id)) is not None:
            lines.append(f"Daughter of {document.cell(mother).title}")
        if (daughters := lineage.daughters(cell_id)) is not None:
            lines.append("Divides into " + " and ".join(document.cell(i).title for i in daughters))
        if (cycle := cycle_length(document, cell_id)) is not None:
            lines.append(f"Cell cycle of {counted(cycle, 'frame')}{_minutes(cycle, document.calibration)}")
        return "\n".join(lines)

    def _use_theme(self, theme: Theme) -> None:
        self._search_icon.setIcon(icons.icon("search", theme))
        self.alone.setIcon(icons.icon("solo", theme))
        self.fit.setIcon(icons.icon("fit", theme))


def _minutes(frames: int, scale: Calibration) -> str:
    """The time in brackets, nothing if it is not known."""
    interval = scale.frame_interval_s
    return "" if interval is None else f" ({frames * interval / 60:.3g} min)"
