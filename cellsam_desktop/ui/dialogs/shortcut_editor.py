"""Changing keys: choose an action, press the key; a key that is taken says by whom."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellsam_desktop.ui.action_spec import (
    ActionSpec,
    Group,
    conflicts,
    keys_of,
    normal_key,
    shown_key,
    shown_keys,
)
from cellsam_desktop.ui.panels.labels import restyle, styled
from cellsam_desktop.ui.theme import SPACE, theme_of

_ID = Qt.ItemDataRole.UserRole


class ShortcutEditor(QWidget):
    """Edits a copy of the overrides; ``changed`` follows every change of ``overrides``."""

    changed = Signal()

    def __init__(self, specs: dict[str, ActionSpec], overrides: dict[str, list[str]]) -> None:
        super().__init__()
        self._specs = specs
        self.overrides = {name: list(keys) for name, keys in overrides.items()}
        self.search = QLineEdit()
        self.search.setPlaceholderText("Action or key")
        self.search.setClearButtonEnabled(True)
        self.tree = QTreeWidget()
        self.key = QKeySequenceEdit()
        self.key.setMaximumSequenceLength(1)
        self.add = QPushButton("Add")
        self.clear = QPushButton("No key")
        self.reset = QPushButton("Default")
        self.reset_all = QPushButton("All to default")
        self.message = styled("muted")
        self.message.setWordWrap(True)
        self._build()
        self._connect()
        self._fill()

    def choose(self, action_id: str) -> None:
        """Select an action."""
        self.tree.setCurrentItem(self._items[action_id])

    # -- building ------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.tree.setHeaderLabels(["Action", "Keys"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setMinimumHeight(300)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(QLabel("New key"))
        row.addWidget(self.key, 1)
        for button in (self.add, self.clear, self.reset):
            row.addWidget(button)
        foot = QHBoxLayout()
        foot.addWidget(self.message, 1)
        foot.addWidget(self.reset_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addLayout(row)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._filter)
        self.tree.currentItemChanged.connect(self._on_current)
        self.key.keySequenceChanged.connect(self._judge)
        self.add.clicked.connect(self._add)
        self.clear.clicked.connect(lambda: self._set([]))
        self.reset.clicked.connect(lambda: self._set(None))
        self.reset_all.clicked.connect(self._reset_all)

    def _fill(self) -> None:
        self._items: dict[str, QTreeWidgetItem] = {}
        for group in Group:
            parent = QTreeWidgetItem(self.tree, [group.value])
            parent.setFlags(Qt.ItemFlag.ItemIsEnabled)
            parent.setFirstColumnSpanned(True)
            parent.setForeground(0, theme_of(self).colour("muted"))
            parent.setFont(0, _bold(self.font()))
            for spec in self._specs.values():
                if spec.group is group:
                    item = self._items[spec.id] = QTreeWidgetItem(parent, [spec.title, ""])
                    item.setData(0, _ID, spec.id)
            parent.setExpanded(True)
        self._show_keys()
        self._on_current()

    # -- state ---------------------------------------------------------------------------------------

    @property
    def _current(self) -> ActionSpec | None:
        item = self.tree.currentItem()
        return None if item is None else self._specs.get(item.data(0, _ID))

    def _show_keys(self) -> None:
        taken = conflicts(self._specs.values(), self.overrides)
        for action_id, item in self._items.items():
            keys = keys_of(self._specs[action_id], self.overrides)
            item.setText(1, "   ".join(shown_keys(keys)))
            font = item.font(1)
            font.setBold(action_id in self.overrides)
            item.setFont(1, font)
        self.reset_all.setEnabled(bool(self.overrides))
        if taken:
            key, ids = next(iter(taken.items()))
            titles = " and ".join(f"“{self._specs[i].title}”" for i in ids)
            self._say(f"{shown_key(key)} is bound to {titles}.", "error")

    def _filter(self, text: str) -> None:
        wanted = text.strip().casefold()
        for item in self._items.values():
            item.setHidden(wanted not in f"{item.text(0)} {item.text(1)}".casefold())

    def _on_current(self) -> None:
        spec = self._current
        for part in (self.key, self.clear):
            part.setEnabled(spec is not None)
        self.reset.setEnabled(spec is not None and spec.id in self.overrides)
        self.key.clear()
        self.add.setEnabled(False)
        self._say("Choose an action, then press its new key." if spec is None else spec.tip, "muted")

    def _judge(self, sequence: QKeySequence) -> None:
        """Say whether the pressed key is free."""
        key, spec = _text(sequence), self._current
        owner = self._owner(key)
        free = bool(key) and spec is not None and owner is None
        self.add.setEnabled(bool(key) and spec is not None and owner is not spec)
        self.add.setText("Add" if free or owner is spec else "Take over")
        if owner is not None and owner is not spec:
            self._say(f"{shown_key(key)} is “{owner.title}”: taking it over leaves that without it.", "error")
        else:
            self._say(
                "" if not key else f"{shown_key(key)} is free." if free else "It has this key.", "muted"
            )

    def _owner(self, key: str) -> ActionSpec | None:
        specs = self._specs.values()
        return next((spec for spec in specs if key in keys_of(spec, self.overrides)), None)

    # -- changing ------------------------------------------------------------------------------------

    def _add(self) -> None:
        key, spec = _text(self.key.keySequence()), self._current
        if not key or spec is None:
            return
        owner = self._owner(key)
        if owner is not None:
            self._store(owner, [other for other in keys_of(owner, self.overrides) if other != key])
        self._set([*keys_of(spec, self.overrides), key])

    def _set(self, keys: list[str] | None) -> None:
        """Give the chosen action these keys; None gives it the default ones where they are free."""
        spec = self._current
        if spec is None:
            return
        if keys is None:
            self.overrides.pop(spec.id, None)
        else:
            self._store(spec, keys)
        self._on_current()
        self._show_keys()
        self.changed.emit()

    def _store(self, spec: ActionSpec, keys: list[str]) -> None:
        if keys == [normal_key(key) for key in spec.keys]:
            self.overrides.pop(spec.id, None)
        else:
            self.overrides[spec.id] = keys

    def _reset_all(self) -> None:
        self.overrides.clear()
        self._on_current()
        self._show_keys()
        self.changed.emit()

    def _say(self, text: str, role: str) -> None:
        self.message.setText(text)
        restyle(self.message, role)


def _bold(font: QFont) -> QFont:
    font.setBold(True)
    return font


def _text(sequence: QKeySequence) -> str:
    return normal_key(sequence.toString(QKeySequence.SequenceFormat.PortableText))
