"""The training dialog: three pages, of which the training decides."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget, QWidget

from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.training_course import Phase
from cellsam_desktop.ui.dialogs.frame import Dialog
from cellsam_desktop.ui.dialogs.training.live import LivePage
from cellsam_desktop.ui.dialogs.training.result import ResultPage
from cellsam_desktop.ui.dialogs.training.setup import SetupPage
from cellsam_desktop.ui.listening import listen

_SIZE = (720, 620)
_CALM_MS = 150
"""What the process says is shown at most once in so many milliseconds."""


class TrainingDialog(Dialog):
    """Stands beside the window; closing it changes nothing about the training."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Train the decoder", parent)
        self._training = session.training
        self.setup = SetupPage(session)
        self.live = LivePage(session)
        self.outcome = ResultPage(session)
        self.pages = QStackedWidget()
        for page in (self.setup, self.live, self.outcome):
            self.pages.addWidget(page)
        self.column.addWidget(self.pages, 1)
        self.resize(*_SIZE)
        self._again = False
        self._soon = QTimer(self, singleShot=True, interval=_CALM_MS)
        self._soon.timeout.connect(self._show)
        self.outcome.again.connect(self._begin_anew)
        listen(self, session.training.changed, self._ask)
        listen(self, session.training.ended, self._show)
        listen(self, session.decoders.changed, self._ask)
        self._show()

    def _ask(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _begin_anew(self) -> None:
        self._again = True
        self._show()
        self.setup.count()

    def _show(self) -> None:
        course = self._training.course
        if course.phase.running:
            self._again = False
            self.pages.setCurrentWidget(self.live)
            self.live.show_course()
        elif course.phase is Phase.FINISHED and not self._again:
            self.pages.setCurrentWidget(self.outcome)
            self.outcome.show_result()
        else:
            self.pages.setCurrentWidget(self.setup)
            self.setup.show_state()
