"""Every key on one page, made from the actions as they are bound now."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from cellsam_desktop.ui.action_spec import Group, shown_keys
from cellsam_desktop.ui.actions import Actions
from cellsam_desktop.ui.dialogs.frame import Dialog
from cellsam_desktop.ui.panels.labels import muted, styled
from cellsam_desktop.ui.theme import SPACE, TIGHT, WIDE

COLUMNS: tuple[tuple[Group, ...], ...] = (
    (Group.TOOLS, Group.POINTING, Group.HELP),
    (Group.CELLS, Group.TRACKS),
    (Group.REVIEW, Group.FRAMES, Group.VIEW),
    (Group.FILE, Group.MODEL),
)

GESTURES: tuple[tuple[Group, str, str], ...] = (
    (Group.POINTING, "Left click", "Add a positive point"),
    (Group.POINTING, "Right click or Shift+left click", "Add a negative point"),
    (Group.TOOLS, "Alt+drag", "Change the brush radius"),
    (Group.TOOLS, "Ctrl while painting", "Paint over other cells"),
    (Group.TRACKS, "Drag from a mother to each daughter (Select)", "Divide"),
    (Group.TRACKS, "Right drag through a mask (Select)", "Cut it in two"),
    (Group.TRACKS, "Right click on both halves (Select)", "Cut it in two"),
    (Group.FRAMES, "Ctrl+wheel", "Previous, next frame"),
    (Group.VIEW, "Wheel", "Zoom at the mouse"),
    (Group.VIEW, "Middle drag", "Move the view"),
)
"""What the mouse does on the canvas, for the shortcut sheet."""


class ShortcutSheet(Dialog):
    """Columns of groups; what has no key is not listed."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("Shortcuts", parent)
        page = QWidget()
        columns = QHBoxLayout(page)
        columns.setContentsMargins(0, 0, WIDE, 0)
        columns.setSpacing(2 * WIDE)
        for groups in COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(WIDE)
            for group in groups:
                column.addLayout(_block(group, lines_of(group, actions)))
            column.addStretch()
            columns.addLayout(column)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(page.sizeHint().width() + WIDE)
        self.column.addWidget(area, 1)
        self.column.addWidget(muted("Every key can be changed in the preferences."))
        self.resize(area.minimumWidth() + 2 * WIDE, min(page.sizeHint().height() + 90, 760))


def lines_of(group: Group, actions: Actions) -> list[tuple[tuple[str, ...], str]]:
    """The keys as this system writes them, and what they do, for one group."""
    specs = [spec for spec in actions.specs.values() if spec.group is group]
    lines = [(shown_keys(actions.keys(spec.id)), spec.title) for spec in specs]
    lines = [line for line in lines if line[0]]
    return lines + [((gesture,), text) for place, gesture, text in GESTURES if place is group]


def _block(group: Group, lines: list[tuple[tuple[str, ...], str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(WIDE)
    grid.setVerticalSpacing(TIGHT)
    grid.addWidget(styled("heading", group.value), 0, 0, 1, 2)
    for row, (keys, text) in enumerate(lines, start=1):
        grid.addWidget(QLabel(text), row, 0)
        grid.addLayout(_keys(keys), row, 1)
    grid.setColumnStretch(0, 1)
    return grid


def _keys(keys: tuple[str, ...]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(TIGHT)
    row.addStretch()
    for key in keys:
        row.addWidget(styled("key", key))
    row.setContentsMargins(SPACE, 0, 0, 0)
    return row
