"""The panel of the selected cells."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from cellsam_desktop.analysis.measure import Measurement
from cellsam_desktop.analysis.table import columns, rows_of
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.curation.curves import Curves
from cellsam_desktop.curation.open_movie import OpenMovie
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.panels.cell.legend import PlotLegend
from cellsam_desktop.ui.panels.cell.series import Curve, track_of
from cellsam_desktop.ui.panels.cell.track_table import TrackTable
from cellsam_desktop.ui.panels.cell.values import CellValues
from cellsam_desktop.ui.panels.fields import panel_choice
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.theme import SPACE, TIGHT

if TYPE_CHECKING:
    from cellsam_desktop.ui.panels.cell.plots import CellPlot

_PLOTS = 0
_CURVES = (Curve.AREA, Curve.POSITION)
_CHOICES = tuple(curve for curve in (Curve.POSITION, *Curve) if curve is not Curve.AREA)
"""What the lower plot can show."""
MAX_CURVES = 24
"""Of a larger selection only the first cells are plotted and listed."""
_SLICE_S = 0.006
"""Long tracks are measured in events of about this length."""


class CellPanel(QWidget):
    """Follows the selection. Curves and table are made again only when a selected cell changed.

    Cells are measured one after the other, many long tracks in several events. The plots themselves are made
    with the first selection, or by ``prepare`` before: the start of the window waits for no plot.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.values = CellValues()
        self._plots: list[CellPlot] = []
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self.table = TrackTable()
        self.export = QPushButton("Export CSV…")
        self.place_choice = panel_choice(curve.value for curve in _CHOICES)
        self.legend = PlotLegend()
        self.limit_note = muted()
        self.hint = muted("Select cells to see where they go\nand how they grow.")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages = QStackedWidget()
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._turn_page)
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self._measure)
        self._curves = Curves(session)
        self._to_measure: list[int] = []
        self._measured: dict[int, list[Measurement]] = {}
        self._build()
        listen(self, session.movie_changed, self._show_all)
        listen(self, session.document_changed, self._on_document)
        listen(self, session.view.changed, self._on_view)
        listen(self, self._curves.changed, self._show_slow)
        self._show_all()

    def _build(self) -> None:
        self.place_choice.setProperty("role", "small")
        self.place_choice.currentTextChanged.connect(self._choose)
        self.table.frame_asked.connect(self._session.navigation.go_to)
        self.export.clicked.connect(self._export)
        self.export.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.export.setToolTip("Write the masks of the selected cells to a CSV file")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self.tabs.addTab(self._plot_page(), "Plots")
        self.tabs.addTab(self._track(), "Table")
        corner = QWidget()
        beside = QHBoxLayout(corner)
        beside.setContentsMargins(0, 0, SPACE, 0)
        beside.addWidget(self.place_choice)
        self.tabs.setCornerWidget(corner)
        self.tabs.currentChanged.connect(self._on_tab)
        self.pages.addWidget(self.hint)
        self.pages.addWidget(self.tabs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, TIGHT, 0, 0)
        column.setSpacing(TIGHT)
        column.addWidget(self.values)
        column.addWidget(self.pages, 1)

    def _plot_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.legend)
        column.addWidget(self._splitter, 1)
        return page

    def _track(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self.table, 1)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE, 0, SPACE, 0)
        row.addWidget(self.limit_note)
        row.addStretch()
        row.addWidget(self.export)
        column.addLayout(row)
        return page

    @property
    def area(self) -> CellPlot:
        """The plot of areas."""
        return self._made(0)

    @property
    def place(self) -> CellPlot:
        """The plot of places."""
        return self._made(1)

    def prepare(self) -> bool:
        """Make the next plot; False when there is none left to make."""
        if len(self._plots) == len(_CURVES):
            return False
        from cellsam_desktop.ui.panels.cell.plots import CellPlot

        plot = CellPlot(_CURVES[len(self._plots)])
        plot.frame_asked.connect(self._session.navigation.go_to)
        plot.set_frame(self._session.view.t)
        self._plots.append(plot)
        self._splitter.addWidget(plot)
        return True

    def _made(self, number: int) -> CellPlot:
        while len(self._plots) <= number:
            self.prepare()
        return self._plots[number]

    def sizeHint(self) -> QSize:
        """Room for two plots."""
        return QSize(360, 380)

    # -- following the session -----------------------------------------------------------------------

    def _on_document(self, changes: ChangeSet) -> None:
        if changes.calibration or changes.touched_cells & set(self._session.view.selection):
            self._show_all()

    def _on_tab(self, page: int) -> None:
        self.place_choice.setVisible(page == _PLOTS)
        self._show_table()

    def _on_view(self, names: frozenset[str]) -> None:
        if "selection" in names:
            self._show_all()
        elif names & {"t", "z"}:
            self._show_frame()
        if "c" in names and "selection" not in names:
            self._measure_slowly()

    def _choose(self, text: str) -> None:
        self.place.set_curve(Curve(text))
        self._measure_slowly()

    # -- showing -------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        movie = self._session.movie
        chosen = [] if movie is None else [i for i in self._session.view.selection if i in movie.document]
        self._measured, self._to_measure = {}, chosen[:MAX_CURVES]
        self._measure()
        self.limit_note.setText(f"first {MAX_CURVES} of {len(chosen)}" if len(chosen) > MAX_CURVES else "")
        self._turn.start()
        self._show_frame()

    def _turn_page(self) -> None:
        """In an event of its own, so that plots never appear together with what the canvas has to paint."""
        self.pages.setCurrentWidget(self.tabs if self._measured else self.hint)

    def _measure(self) -> None:
        """Measure the next of the chosen cells; show them when it was the last."""
        movie, end = self._session.movie, perf_counter() + _SLICE_S
        while movie is not None and self._to_measure:
            cell_id = self._to_measure.pop(0)
            self._measured[cell_id] = movie.measurements.rows(cell_id)
            if self._to_measure and perf_counter() > end:
                self._more.start()
                return
        self._show_tracks(movie)

    def _show_tracks(self, movie: OpenMovie | None) -> None:
        scale = Calibration() if movie is None else movie.document.calibration
        tracks = [track_of(i, rows, scale) for i, rows in self._measured.items()]
        while tracks and self.prepare():
            continue
        for plot in self._plots:
            plot.set_tracks(tracks, scale)
        titles = {} if movie is None else {i: movie.document.cell(i).title for i in self._measured}
        self.legend.show_cells(titles)
        self._measure_slowly()
        self._show_table()

    def _measure_slowly(self) -> None:
        """Measure in the background what the chosen curve needs beyond centroid and area."""
        self._curves.ask(Curve(self.place_choice.currentText()).quantity, list(self._measured))

    def _show_slow(self) -> None:
        self.place.set_values(self._curves.values)

    def _show_table(self) -> None:
        """Fill the table, if it is on top."""
        movie = self._session.movie
        if self.tabs.currentIndex() == _PLOTS:
            return
        if movie is None:
            self.table.rows.show((), ())
            return
        document = movie.document
        every = chain.from_iterable(self._measured.values())
        table = list(rows_of(every, document, document.calibration))
        self.table.rows.show(columns(document.calibration), table)

    def _show_frame(self) -> None:
        movie, view = self._session.movie, self._session.view
        for plot in self._plots:
            plot.set_frame(view.t)
        chosen = [] if movie is None else [i for i in view.selection if i in movie.document]
        if movie is None or not chosen:
            self.values.show_nothing()
        elif len(chosen) == 1:
            self.values.show_cell(
                movie.document, chosen[0], view.t, movie.measurements.row(chosen[0], view.key)
            )
        else:
            key = view.key
            here = (movie.document.record(i, key) for i in chosen)
            areas = [record.mask.area for record in here if record is not None]
            self.values.show_cells(len(chosen), areas, movie.document.calibration)

    def _export(self) -> None:
        movie = self._session.movie
        if movie is None:
            return
        proposed = movie.info.path.with_name(f"{movie.info.path.stem}-cells.csv")
        kinds = "Tables (*.csv);;Parquet tables (*.parquet)"
        name, _ = QFileDialog.getSaveFileName(self, "Export table", str(proposed), kinds)
        if name:
            self._session.measuring.export(Path(name), self._session.view.selection)
