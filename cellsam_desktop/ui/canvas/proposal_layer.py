"""Proposed divisions on the canvas: dashed outlines, a line between the daughters, and two buttons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsItem,
    QHBoxLayout,
    QLabel,
    QStyleOptionGraphicsItem,
    QToolButton,
    QWidget,
)

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.ui.canvas.mask_items import cosmetic
from cellsam_desktop.ui.canvas.outlines import outline
from cellsam_desktop.ui.theme import TIGHT, Theme, follow_theme

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session
    from cellsam_desktop.ui.canvas.view import PlaneView

_LINE = QColor(255, 214, 10)
_GROUND = QColor(0, 0, 0, 150)
_MOST = 12
"""So many proposals of a frame get buttons; all get their outlines."""

Pair = tuple[Mask, Mask]


class ProposalItem(QGraphicsItem):
    """The masks of both daughters, dashed, and a dashed line from one to the other."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self._pairs: tuple[Pair, ...] = ()
        self._path = QPainterPath()

    def show_pairs(self, pairs: Sequence[Pair]) -> None:
        """Show these daughters and no others."""
        if tuple(pairs) == self._pairs:
            return
        self.prepareGeometryChange()
        self._pairs = tuple(pairs)
        self._path = outline(*(mask for pair in pairs for mask in pair))
        for one, other in pairs:
            self._path.moveTo(QPointF(*one.centroid))
            self._path.lineTo(QPointF(*other.centroid))
        self.update()

    def boundingRect(self) -> QRectF:
        """All of them with room for the lines."""
        room = 4 / max(self.sceneTransform().m11(), 1e-6)
        return self._path.boundingRect().adjusted(-room, -room, room, room) if self._pairs else QRectF()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw a dark ground, then the dashes."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(cosmetic(_GROUND, 3.2))
        painter.drawPath(self._path)
        pen = cosmetic(_LINE, 1.8)
        pen.setStyle(Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([2.5, 2.5])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawPath(self._path)


class ProposalButtons(QFrame):
    """The question, a button to accept and one to refuse, beside the daughters."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("proposal")
        self.question = QLabel("Division?")
        self.accept = _button("✓", "Accept the division")
        self.refuse = _button("✕", "Refuse the division")
        row = QHBoxLayout(self)
        row.setContentsMargins(TIGHT + 2, 0, 0, 0)
        row.setSpacing(0)
        for part in (self.question, self.accept, self.refuse):
            row.addWidget(part)
        follow_theme(self, self._use_theme)

    def _use_theme(self, theme: Theme) -> None:
        self.setStyleSheet(
            f"#proposal {{ background: {theme.raised}; border: 1px solid {_LINE.name()};"
            " border-radius: 5px; }"
        )


class ProposalLayer:
    """Shows the proposed divisions of the frame on screen, and hands answers on."""

    def __init__(self, session: Session, view: PlaneView) -> None:
        self._session = session
        self._view = view
        self.item = ProposalItem(view.root)
        self.buttons: dict[int, ProposalButtons] = {}
        self._anchors: dict[int, QPointF] = {}

    def apply(self, changes: ChangeSet) -> None:
        """Follow a change of the document."""
        if changes.lineage or changes.seen or self._session.view.key in changes.planes:
            self.refresh()

    def refresh(self) -> None:
        """Show what is proposed on the frame on screen."""
        pairs = self._pairs()
        self.item.show_pairs(list(pairs.values()))
        shown = dict(list(pairs.items())[:_MOST])
        for mother in self.buttons.keys() - shown.keys():
            gone = self.buttons.pop(mother)
            gone.hide()
            gone.deleteLater()
        self._anchors = {mother: _anchor(pair) for mother, pair in shown.items()}
        for mother in shown.keys() - self.buttons.keys():
            self.buttons[mother] = self._make(mother)
        self.place()

    def place(self) -> None:
        """Put the buttons beside their daughters, wherever these are on screen now."""
        for mother, buttons in self.buttons.items():
            corner = self._view.from_plane(self._anchors[mother]) + QPointF(8, -buttons.height() / 2)
            room = self._view.rect().adjusted(0, 0, -buttons.width(), -buttons.height())
            seen = self._view.rect().contains(self._view.from_plane(self._anchors[mother]).toPoint())
            x = min(max(round(corner.x()), room.left()), max(room.right(), 0))
            y = min(max(round(corner.y()), room.top()), max(room.bottom(), 0))
            buttons.move(x, y)
            buttons.setVisible(seen)

    def _pairs(self) -> dict[int, Pair]:
        movie, view = self._session.movie, self._session.view
        if movie is None or view.hide_all:
            return {}
        pairs: dict[int, Pair] = {}
        for mother, daughters in self._session.reviewing.proposals():
            records = [movie.document.record(i, view.key) for i in daughters if view.is_visible(i)]
            masks = [record.mask for record in records if record is not None]
            if len(masks) == 2:
                pairs[mother] = masks[0], masks[1]
        return pairs

    def _make(self, mother: int) -> ProposalButtons:
        buttons = ProposalButtons(self._view)
        reviewing = self._session.reviewing
        # The answer removes the buttons, which must not happen while they handle the click.
        for button, answer in (
            (buttons.accept, reviewing.accept_division),
            (buttons.refuse, reviewing.refuse_division),
        ):
            button.clicked.connect(lambda _=False, answer=answer: self._session.post(partial(answer, mother)))
        buttons.adjustSize()
        return buttons


def _anchor(pair: Pair) -> QPointF:
    """At the right of both daughters, in the middle of their height."""
    region = pair[0].region.union(pair[1].region)
    return QPointF(region.x1 - 0.5, region.y0 + region.height / 2)


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button
