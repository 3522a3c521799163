"""Before a training: the data, the preset, the time; or going on with one that was interrupted."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.training_runs import PRESETS, Choice
from cellsam_desktop.ui.dialogs.frame import form_layout, make_main
from cellsam_desktop.ui.dialogs.training import words
from cellsam_desktop.ui.dialogs.training.data_list import DataList
from cellsam_desktop.ui.dialogs.training.split_bar import SplitBar
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.panels.labels import muted, styled
from cellsam_desktop.ui.theme import SPACE

_MINUTES = (1, 2, 5, 10, 20, 30, 60)
_RECOUNT_MS = 3000
"""So long after the last change of the document the data are counted again."""


class SetupPage(QWidget):
    """Chooses, counts, starts."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._training = session.training
        last = session.training.choice
        self.data = DataList(self._project, last.paths, ticked=last.this_project)
        self.preset, self.minutes = QComboBox(), QComboBox()
        for name, text in PRESETS.items():
            self.preset.addItem(text, name)
        for minutes in _MINUTES:
            self.minutes.addItem(f"about {counted(minutes, 'minute')}", float(minutes))
        self.preset.setCurrentIndex(max(0, self.preset.findData(last.preset)))
        self.minutes.setCurrentIndex(max(0, self.minutes.findData(last.minutes)))
        self.error, self.summary, self.note = styled("error"), styled("muted"), styled("warning")
        self.split = SplitBar()
        self.start = QPushButton("Start")
        self.unfinished = QWidget()
        self.unfinished_text = muted()
        self.resume, self.discard = QPushButton("Resume"), QPushButton("Remove")
        self._soon = QTimer(self, singleShot=True, interval=_RECOUNT_MS)
        self._build()
        self._connect()
        self.show_state()
        self.count()
        self._training.look_for_unfinished()

    @property
    def choice(self) -> Choice:
        """What is chosen now."""
        return Choice(
            self.data.this_project, self.data.others, self.preset.currentData(), self.minutes.currentData()
        )

    @property
    def _project(self) -> Path | None:
        movie = self._session.movie
        return None if movie is None else movie.project_path

    def count(self) -> None:
        """Count the data anew."""
        self._soon.stop()
        self._training.count(self.choice)

    # -- building ----------------------------------------------------------------------------------

    def _build(self) -> None:
        intro = muted(
            "A decoder learns from the masks you made, corrected or marked as seen. The encoder stays as it "
            "is, so that nothing has to be encoded again. You can go on curating meanwhile."
        )
        for label in (intro, self.error, self.summary, self.note, self.unfinished_text):
            label.setWordWrap(True)
        form = form_layout()
        form.addRow("Preset", self.preset)
        form.addRow("Time", self.minutes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self._build_unfinished()
        for part in (intro, self.error, self.unfinished, self.data, self.split, self.summary, self.note):
            column.addWidget(part, 1 if part is self.data else 0)
        column.addSpacing(SPACE)
        column.addLayout(form)
        column.addStretch(1)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.start)
        column.addLayout(row)
        make_main(self.start)

    def _build_unfinished(self) -> None:
        row = QHBoxLayout(self.unfinished)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.unfinished_text, 1)
        for button in (self.resume, self.discard):
            button.setAutoDefault(False)
            row.addWidget(button)

    def _connect(self) -> None:
        self.data.changed.connect(self.count)
        self._soon.timeout.connect(self.count)
        self.start.clicked.connect(lambda: self._training.start(self.choice))
        self.resume.clicked.connect(lambda: self._training.resume(self._training.unfinished[0]))
        self.discard.clicked.connect(lambda: self._training.discard(self._training.unfinished[0]))
        listen(self, self._training.planned, self.show_state)
        listen(self, self._session.document_changed, self._on_document)
        listen(self, self._session.movie_changed, self._on_movie)

    # -- showing -----------------------------------------------------------------------------------

    def show_state(self) -> None:
        """The count of the data, what went wrong last, and what can be resumed."""
        training = self._training
        counts = [] if training.plan is None else words.counts_of(training.plan.data)
        self.data.show_counts(counts)
        self.split.show_cells(words.sums(counts))
        if training.planning:
            self.summary.setText("Counting …")
        else:
            self.summary.setText(words.total(counts) if counts else training.plan_error)
        notes = (
            [] if training.plan is None else [*training.plan_notices, *training.plan.data.get("notes", [])]
        )
        self.note.setText(" ".join(notes))
        self.note.setVisible(bool(notes))
        self.error.setText(training.course.error)
        self.error.setVisible(bool(training.course.error))
        self.start.setEnabled(bool(counts))
        self._show_unfinished()

    def _show_unfinished(self) -> None:
        waiting = self._training.unfinished
        self.unfinished.setVisible(bool(waiting))
        if waiting:
            first, more = waiting[0], len(waiting) - 1
            self.unfinished_text.setText(
                f"The training on {first.title} of {first.begun} was interrupted."
                + (f" {counted(more, 'older one')} {'waits' if more == 1 else 'wait'} too." if more else "")
            )

    def _on_movie(self) -> None:
        self.data.set_project(self._project)
        self.count()

    def _on_document(self, _: ChangeSet) -> None:
        if self.isVisible() and self.data.this_project:
            self._soon.start()
