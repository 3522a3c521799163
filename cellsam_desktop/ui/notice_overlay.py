"""Notices at the bottom of the canvas: short ones go by themselves, errors stay until they are dismissed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellsam_desktop.curation.notices import Level, Notice
from cellsam_desktop.ui.listening import listen
from cellsam_desktop.ui.theme import SPACE, TIGHT, Theme, follow_theme

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_WIDTH = 520
_MARGIN = 16
_AT_MOST = 4
_SECONDS: dict[Level, float | None] = {"info": 4.0, "warning": 8.0, "error": None}
_OFFER_SECONDS = 20.0
"""Time to read the reason and to decide."""
_ROLES: dict[Level, str] = {"info": "accent", "warning": "warning", "error": "error"}


class NoticeCard(QFrame):
    """One notice with text to select, and a button if it offers something.

    ``dismissed`` is emitted by the cross, by the button and when its time is over.
    """

    dismissed = Signal()

    def __init__(self, notice: Notice, parent: QWidget) -> None:
        super().__init__(parent)
        self.notice = notice
        self.setObjectName("notice")
        self.setAccessibleName(f"{notice.level.capitalize()}: {notice.text}")
        self._text = QLabel(notice.text)
        self._detail = QLabel(notice.detail)
        for label in (self._text, self._detail):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setCursor(Qt.CursorShape.IBeamCursor)
        self._detail.setVisible(bool(notice.detail))
        self._detail.setObjectName("noticeDetail")
        self._dismiss = QToolButton()
        self._dismiss.setText("✕")
        self._dismiss.setAutoRaise(True)
        self._dismiss.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._dismiss.setToolTip("Dismiss")
        self._dismiss.clicked.connect(self.dismissed)
        self.offer = self._offer_button()
        self._lay_out()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.dismissed)
        self._start()
        follow_theme(self, self._use_theme)

    def enterEvent(self, event: QEnterEvent) -> None:
        """A notice being read does not go away."""
        self._timer.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Go on counting when the mouse is elsewhere."""
        self._start()
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a notice is not a click on the image under it."""
        event.accept()

    def _offer_button(self) -> QPushButton | None:
        """No Enter can press it by accident: keys stay with the canvas."""
        offer = self.notice.offer
        if offer is None:
            return None
        button = QPushButton(offer.label)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(self.dismissed)
        button.clicked.connect(offer.accept)
        return button

    def _lay_out(self) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(TIGHT)
        texts.addWidget(self._text)
        texts.addWidget(self._detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE + TIGHT, SPACE, SPACE, SPACE)
        row.addLayout(texts, 1)
        if self.offer is not None:
            row.addWidget(self.offer, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def _start(self) -> None:
        seconds = _SECONDS[self.notice.level] if self.offer is None else _OFFER_SECONDS
        if seconds is not None:
            self._timer.start(round(1000 * seconds))

    def _use_theme(self, theme: Theme) -> None:
        edge = theme.colour(_ROLES[self.notice.level]).name()
        self.setStyleSheet(
            f"#notice {{ background: {theme.raised}; border: 1px solid {theme.border};"
            f" border-left: 3px solid {edge}; border-radius: 6px; }}"
            f"#noticeDetail {{ color: {theme.muted}; }}"
        )


class NoticeOverlay(QWidget):
    """Stacks the notices of a session over the lower edge of ``parent``, newest lowest."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._ground = parent
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._stack = QVBoxLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.setSpacing(SPACE)
        self._cards: list[NoticeCard] = []
        parent.installEventFilter(self)
        listen(self, session.notices.posted, self.show_notice)
        listen(self, session.movie_changed, self._on_movie)
        self.hide()

    @property
    def shown(self) -> list[Notice]:
        """What is on screen, oldest first."""
        return [card.notice for card in self._cards]

    def show_notice(self, notice: Notice) -> None:
        """Put a notice on screen; one that says the same as another takes its place."""
        for same in [card for card in self._cards if card.notice == notice]:
            self._drop(same)
        passing = [card for card in self._cards if card.notice.level != "error"]
        if len(self._cards) >= _AT_MOST and passing:
            self._drop(passing[0])
        card = NoticeCard(notice, self)
        card.dismissed.connect(partial(self._drop, card))
        self._cards.append(card)
        self._stack.addWidget(card)
        card.show()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the lower edge when the parent's size changes."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _on_movie(self) -> None:
        """What was said of another movie does not concern this one; errors are kept."""
        for card in [card for card in self._cards if card.notice.level != "error"]:
            self._drop(card)

    def _drop(self, card: NoticeCard) -> None:
        self._cards.remove(card)
        self._stack.removeWidget(card)
        card.hide()
        card.deleteLater()
        self._place()

    def _place(self) -> None:
        self.setVisible(bool(self._cards))
        width = min(_WIDTH, self._ground.width() - 2 * _MARGIN)
        self._stack.activate()
        tall = self._stack.heightForWidth(width)
        height = tall if tall > 0 else self.sizeHint().height()
        left = (self._ground.width() - width) // 2
        self.setGeometry(left, self._ground.height() - height - _MARGIN, width, height)
        self.raise_()
