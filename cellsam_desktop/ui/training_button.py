"""In the status bar: that a training is under way, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.training_course import Phase
from cellsam_desktop.ui.listening import listen


class TrainingButton(QToolButton):
    """Hidden while nothing is learned; a click is to open the training dialog."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = session.training
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAutoRaise(True)
        self.setToolTip("A training is under way; click to watch it")
        listen(self, session.training.changed, self._show)
        self._show()

    def _show(self) -> None:
        course = self._training.course
        self.setVisible(course.phase.running)
        part = f" {100 * course.fraction:.0f} %" if course.fraction else ""
        iou = f" · IoU {course.best:.2f}" if course.best is not None else ""
        self.setText("Training paused" if course.phase is Phase.PAUSED else f"Training{part}{iou}")
