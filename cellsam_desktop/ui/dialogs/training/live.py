"""While a training runs: what it does, how far it is, how well it goes."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.training_course import Course, Phase
from cellsam_desktop.ui.dialogs.training import words
from cellsam_desktop.ui.dialogs.training.curves import TimeCurve
from cellsam_desktop.ui.panels.labels import muted, styled
from cellsam_desktop.ui.theme import SPACE

_BAR = 1000


class LivePage(QWidget):
    """Shows the session's training; ``show_course`` is called when something changed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._training = session.training
        self.doing, self.speed = styled("heading"), muted()
        self.bar = QProgressBar(textVisible=False, maximum=_BAR)
        self.loss = TimeCurve("Loss", smooth=True)
        self.held_out = TimeCurve("IoU on held-out cells", dots=True)
        self.picture = Picture()
        self.caption = muted("Held-out cells: the truth above, the mask from one prompt below")
        self.note = styled("warning")
        self.note.setWordWrap(True)
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop and keep the best")
        self.cancel = QPushButton("Cancel")
        self._build()
        self.pause.clicked.connect(self._pause)
        self.stop.clicked.connect(self._training.stop)
        self.cancel.clicked.connect(self._training.cancel)
        self.show_course()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.doing)
        head.addStretch()
        head.addWidget(self.speed)
        plots = QHBoxLayout()
        plots.setSpacing(SPACE)
        plots.addWidget(self.loss)
        plots.addWidget(self.held_out)
        buttons = QHBoxLayout()
        for button in (self.pause, self.stop, self.cancel):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.insertStretch(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addLayout(head)
        column.addWidget(self.bar)
        column.addLayout(plots, 1)
        column.addWidget(self.picture, 1)
        column.addWidget(self.caption, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.note)
        column.addLayout(buttons)

    def show_course(self) -> None:
        """Bring everything up to date."""
        course = self._training.course
        self.doing.setText(words.doing(course))
        self.speed.setText(words.speed(course))
        self.bar.setMaximum(0 if course.fraction <= 0 else _BAR)
        self.bar.setValue(round(_BAR * course.fraction))
        self.loss.show_values(course.losses)
        self.held_out.show_values(course.held_out, course.held_out_before)
        self.picture.show_data(course.picture)
        self.caption.setVisible(course.picture is not None)
        self.note.setText(" ".join(course.notices[-2:]))
        self.note.setVisible(bool(course.notices))
        self._show_buttons(course)

    def _show_buttons(self, course: Course) -> None:
        self.pause.setText("Go on" if course.phase is Phase.PAUSED else "Pause")
        self.pause.setEnabled(course.phase in (Phase.LEARNING, Phase.PAUSED))
        self.stop.setEnabled(course.phase in (Phase.LEARNING, Phase.PAUSED))
        self.cancel.setEnabled(course.phase is not Phase.ENDING)

    def _pause(self) -> None:
        if self._training.course.phase is Phase.PAUSED:
            self._training.go_on()
        else:
            self._training.pause()


class Picture(QLabel):
    """A picture that fits the room there is; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._data: bytes | None = None
        self._whole = QPixmap()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumHeight(140)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Masks of held-out cells as they are now")
        self.hide()

    def show_data(self, data: bytes | None) -> None:
        """Show a PNG, or nothing."""
        if data is self._data:
            return
        self._data = data
        self._whole = QPixmap()
        if data is not None:
            self._whole.loadFromData(data)
        self.setVisible(not self._whole.isNull())
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scale anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._whole.isNull():
            return
        ratio = self.devicePixelRatioF()
        size = (self.size() * ratio).boundedTo(self._whole.size())
        scaled = self._whole.scaled(
            size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        scaled.setDevicePixelRatio(ratio)
        self.setPixmap(scaled)
