"""After a training: before and after in numbers, and what to do with the new decoder."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.dialogs.frame import make_main
from cellsam_desktop.ui.dialogs.training import words
from cellsam_desktop.ui.panels.labels import muted, styled
from cellsam_desktop.ui.theme import SPACE

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ResultPage(QWidget):
    """Shows the end of the session's training; ``again`` asks for another one."""

    again = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._training = session.training
        self._decoders = session.decoders
        self.verdict = styled("heading")
        self.verdict.setWordWrap(True)
        self.table = QTreeWidget()
        self.about = muted()
        self.about.setWordWrap(True)
        self.report = QPushButton("Open the report")
        self.more = QPushButton("Train again…")
        self.use = QPushButton("Use now")
        self._build()
        self.report.clicked.connect(self.open_report)
        self.more.clicked.connect(self.again)
        self.use.clicked.connect(self._training.use_now)
        self.show_result()

    def _build(self) -> None:
        self.table.setHeaderLabels(["On held-out cells", "Before", "After", "Change"])
        for place in (1, 2, 3):
            self.table.headerItem().setTextAlignment(place, _RIGHT)
        self.table.setRootIsDecorated(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.header().setStretchLastSection(False)
        buttons = QHBoxLayout()
        for button in (self.report, self.more, self.use):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.insertStretch(1)
        make_main(self.use)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        for part in (self.verdict, self.table, self.about):
            column.addWidget(part, 1 if part is self.table else 0)
        column.addLayout(buttons)

    def show_result(self) -> None:
        """Bring everything up to date."""
        finished, result = self._training.course.finished, self._training.result
        if finished is None:
            return
        self.verdict.setText(finished.verdict)
        self.table.clear()
        for row in words.score_rows(finished.before, finished.after):
            item = QTreeWidgetItem(self.table, list(row))
            for column in (1, 2, 3):
                item.setTextAlignment(column, _RIGHT)
        self.about.setText(words.measured_on(finished.after, self._training.course))
        self.report.setEnabled(bool(finished.report))
        used = result is not None and self._decoders.in_use == result
        self.use.setVisible(finished.better)
        self.use.setEnabled(result is not None and not used)
        self.use.setText("In use" if used else "Use now")

    def open_report(self) -> None:
        """Open the page with curves and pictures in the browser."""
        finished = self._training.course.finished
        if finished is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(finished.report))
