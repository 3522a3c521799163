"""The slim bar at the top: tools, brush, candidates, and the model in use."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from cellsam_desktop.curation.session import Session
from cellsam_desktop.curation.view_state import Tool
from cellsam_desktop.jobs.decode_request import Proposal
from cellsam_desktop.ui.actions import Actions
from cellsam_desktop.ui.listening import Later, listen
from cellsam_desktop.ui.panels.fields import panel_field
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.theme import SPACE, TIGHT, theme_of

MAX_CANDIDATES = 3


class ToolBar(QToolBar):
    """Shows the tool in use and what the decoder offers; everything it does is an action or a view field."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__("Tools")
        self.setObjectName("tools")
        self.setMovable(False)
        self.setFloatable(False)
        self.setIconSize(QSize(20, 20))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for tool in Tool:
            self.addAction(actions[f"tool.{tool.value}"])
        self.brush = BrushRadius(session, actions)
        self._brush_action = self.addWidget(self.brush)
        self.addSeparator()
        self.addAction(actions["edit.undo"])
        self.addAction(actions["edit.redo"])
        self.addSeparator()
        self.addAction(actions["view.fit"])
        self.addAction(actions["view.auto_contrast"])
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        self.candidates = CandidateChips(session, actions)
        self.addWidget(self.candidates)
        self.model = ModelChip(session)
        self.addWidget(self.model)
        for button in self.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._session = session
        listen(self, session.view.changed, self._on_view)
        self._show_brush()

    def _on_view(self, names: frozenset[str]) -> None:
        if "tool" in names:
            self._show_brush()

    def _show_brush(self) -> None:
        self._brush_action.setVisible(self._session.view.tool in (Tool.BRUSH, Tool.ERASER))


class BrushRadius(QWidget):
    """The brush radius in image pixels."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__()
        self._session, self._actions = session, actions
        self.field = panel_field(0.5, 500, 1, " px")
        self.field.setFixedWidth(78)
        actions.rebound.connect(self._name_keys)
        self._name_keys()
        self.field.valueChanged.connect(lambda value: session.view.set(brush_radius=value))
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, 0, SPACE, 0)
        row.addWidget(muted("Radius"))
        row.addWidget(self.field)
        listen(self, session.view.changed, self._on_view)
        self._show()

    def _name_keys(self) -> None:
        keys = self._actions.said("brush.smaller", "brush.larger")
        self.field.setToolTip(f"Brush radius ({keys}, or Alt+drag)")

    def _on_view(self, names: frozenset[str]) -> None:
        if "brush_radius" in names:
            self._show()

    def _show(self) -> None:
        self.field.blockSignals(True)
        self.field.setValue(self._session.view.brush_radius)
        self.field.blockSignals(False)


class CandidateChips(QWidget):
    """The decoder's candidates with their predicted IoU, and the button that accepts the chosen one."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__()
        self._session, self._actions = session, actions
        self._shown: tuple[tuple[Proposal, ...], int] | None = None
        self._group = QButtonGroup(self)
        self.chips = [QToolButton() for _ in range(MAX_CANDIDATES)]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, SPACE, 0)
        row.setSpacing(TIGHT)
        for number, chip in enumerate(self.chips):
            chip.setCheckable(True)
            chip.clicked.connect(lambda _=False, number=number: self._choose(number))
            self._group.addButton(chip)
            row.addWidget(chip)
        actions.rebound.connect(self._name_keys)
        self._name_keys()
        self.accept = QToolButton()
        self.accept.setDefaultAction(actions["prompt.accept"])
        self.accept.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row.addWidget(self.accept)
        self._later = Later(self, self._show)
        listen(self, session.prompting.changed, self._later.ask)
        self._show()

    def _name_keys(self) -> None:
        key = self._actions.said("prompt.next")
        for number, chip in enumerate(self.chips, start=1):
            chip.setToolTip(f"Candidate {number}, with the model's own estimate of its quality ({key})")

    def _choose(self, number: int) -> None:
        self._shown = None  # Qt has checked the chip already
        self._session.prompting.cycle(number - self._session.prompting.candidate)

    def _show(self) -> None:
        prompting = self._session.prompting
        offer = prompting.proposals[:MAX_CANDIDATES], prompting.candidate
        if offer == self._shown:
            return
        self._shown = proposals, candidate = offer
        for number, chip in enumerate(self.chips):
            chip.setVisible(number < len(proposals) and len(proposals) > 1)
            if number < len(proposals):
                chip.setText(f"{number + 1}   {min(proposals[number].predicted_iou, 1.0):.2f}")
                chip.setChecked(number == candidate)
        self.accept.setVisible(bool(proposals))


class ModelChip(QLabel):
    """The model, the device it runs on, and whether it can answer."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setProperty("role", "chip")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        listen(self, session.encoding.changed, self._show)
        listen(self, session.decoders.changed, self._show)
        listen(self, session.movie_changed, self._show)
        self._show()

    def _show(self) -> None:
        encoding, theme = self._session.encoding, theme_of(self)
        worker = encoding.worker
        colours = {"broken": theme.error, "stopped": theme.muted, "idle": theme.good, "encoding": theme.good}
        colour = colours.get(worker.kind, theme.warning)
        device = f" · {worker.device.upper()}" if worker.device else ""
        trained = self._session.decoders.title
        decoder = f" · {escape(trained)}" if trained else ""
        self.setText(f'<span style="color: {colour}">●</span>&nbsp; {encoding.model}{decoder}{device}')
        ready = f"The model {encoding.model}{f' with the decoder {trained}' if trained else ''} is ready."
        self.setToolTip(encoding.message or worker.message or ready)
