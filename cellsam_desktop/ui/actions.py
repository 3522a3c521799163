"""The Qt actions of the window, made from the table of them.

Letters act only when no text field has focus: Qt offers a key to the focused text field first. Keys that
make sense only while pointing at cells (Tab, Enter, Esc ...) act when the canvas has focus; keys to hold
act while they are down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from cellsam_desktop.ui import icons
from cellsam_desktop.ui.action_spec import (
    RECENT,
    ActionContext,
    ActionSpec,
    Menu,
    Submenu,
    Where,
    keys_of,
    shown_keys,
)
from cellsam_desktop.ui.listening import Later, listen
from cellsam_desktop.ui.theme import Theme, follow_theme


class Actions(QObject):
    """One ``QAction`` per entry of the table. ``rebound`` is emitted when keys changed."""

    rebound = Signal()

    def __init__(self, context: ActionContext, specs: Sequence[ActionSpec], window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._window = window
        self._holds = HoldKeys(self, self._press, self._release)
        self._groups: dict[str, QActionGroup] = {}
        self.specs = {spec.id: spec for spec in specs}
        self._actions = {spec.id: self._make(spec) for spec in specs}
        self.rebind(context.session.settings.shortcuts)
        follow_theme(window, self._tint)
        session = context.session
        for signal in (session.movie_changed, session.document_changed):
            listen(self, signal, self.refresh)
        self._later = Later(self, self.refresh)
        listen(self, session.prompting.changed, self._later.ask)
        listen(self, session.tools.preview_changed, self._later.ask)
        window.installEventFilter(self)
        for later in (session.propagating.changed, session.reviewing.changed, session.decoders.changed):
            listen(self, later, self.refresh)
        listen(self, session.view.changed, self._on_view)
        self.refresh()

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def adopt_canvas(self, canvas: QWidget) -> None:
        """Let the canvas's own keys and the keys to hold act while ``canvas`` has focus."""
        for spec in self.specs.values():
            if spec.where is Where.CANVAS and spec.release is None:
                canvas.addAction(self._actions[spec.id])
        canvas.installEventFilter(self._holds)

    def fill_menu_bar(self, bar: QMenuBar, menus: Iterable[Menu]) -> None:
        """Build the menus; the list of recent movies is made anew whenever its menu opens."""
        for menu in menus:
            self._fill(bar.addMenu(menu.title), menu.entries)

    def keys(self, action_id: str) -> tuple[str, ...]:
        """The keys an action has now, in portable notation."""
        return keys_of(self.specs[action_id], self._context.session.settings.shortcuts)

    def said(self, *action_ids: str) -> str:
        """The first keys of some actions, as this system writes them."""
        return " ".join(shown_keys(key for action_id in action_ids for key in self.keys(action_id)[:1]))

    def rebind(self, overrides: Mapping[str, Sequence[str]]) -> None:
        """Use these keys instead of the default ones, by action id."""
        holds: dict[str, str] = {}
        for spec in self.specs.values():
            keys = keys_of(spec, overrides)
            if spec.release is not None:
                holds |= dict.fromkeys(keys, spec.id)
            else:
                self._actions[spec.id].setShortcuts([QKeySequence(key) for key in keys])
            self._actions[spec.id].setToolTip(tool_tip(spec, keys))
        self._holds.keys = holds
        self.rebound.emit()

    def refresh(self, *_: object) -> None:
        """Bring enabled and checked states up to date."""
        for spec in self.specs.values():
            action = self._actions[spec.id]
            action.setEnabled(spec.enabled(self._context))
            if spec.checked is not None:
                action.setChecked(spec.checked(self._context))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt's hook: before a key looks for its action, all of them know whether they make sense."""
        if event.type() == QEvent.Type.ShortcutOverride:
            self._later.catch_up()
        return False

    def _on_view(self, names: frozenset[str]) -> None:
        if not names <= {"viewport", "contrast", "opacity", "brush_radius"}:
            self.refresh()

    def _make(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.id)
        action.setCheckable(spec.checked is not None)
        if spec.exclusive:
            group = self._groups.setdefault(spec.exclusive, QActionGroup(self))
            group.addAction(action)
        action.triggered.connect(lambda: self._press(spec.id))
        if spec.where is Where.CANVAS:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        if spec.where is Where.WINDOW and spec.release is None:
            self._window.addAction(action)
        return action

    def _press(self, action_id: str) -> None:
        spec = self.specs[action_id]
        if spec.enabled(self._context):
            spec.run(self._context)
        self.refresh()

    def _release(self, action_id: str) -> None:
        release = self.specs[action_id].release
        if release is not None:
            release(self._context)

    def _tint(self, theme: Theme) -> None:
        for spec in self.specs.values():
            if spec.icon:
                self._actions[spec.id].setIcon(icons.icon(spec.icon, theme))
                self._actions[spec.id].setIconVisibleInMenu(False)

    def _fill(self, menu: QMenu, entries: Sequence[str | Submenu | None]) -> None:
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, Submenu):
                self._fill(menu.addMenu(entry.title), entry.entries)
            elif entry == RECENT:
                self._add_recent(menu)
            else:
                menu.addAction(self._actions[entry])

    def _add_recent(self, menu: QMenu) -> None:
        recent = menu.addMenu("Open recent")
        recent.aboutToShow.connect(lambda: self._fill_recent(recent))

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        for path in self._context.desk.recent():
            entry = menu.addAction(path.name)
            entry.setToolTip(str(path))
            entry.triggered.connect(lambda _=False, path=path: self._context.session.open(path))
        if menu.isEmpty():
            menu.addAction("Nothing opened yet").setEnabled(False)


class HoldKeys(QObject):
    """Watches a widget for keys that act while they are down; ``keys`` maps a key to an action id."""

    def __init__(self, parent: QObject, press: Callable[[str], None], release: Callable[[str], None]) -> None:
        super().__init__(parent)
        self.keys: dict[str, str] = {}
        self._press, self._release = press, release
        self._down: dict[int, str] = {}

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt's hook: take the keys to hold, let go of all when the focus leaves."""
        match event.type():
            case QEvent.Type.KeyPress if isinstance(event, QKeyEvent):
                return self._on_press(event)
            case QEvent.Type.KeyRelease if isinstance(event, QKeyEvent):
                return self._on_release(event)
            case QEvent.Type.FocusOut:
                for action_id in self._down.values():
                    self._release(action_id)
                self._down.clear()
        return False

    def _on_press(self, event: QKeyEvent) -> bool:
        pressed = QKeySequence(QKeyCombination(event.modifiers(), Qt.Key(event.key())))
        action_id = self.keys.get(pressed.toString(QKeySequence.SequenceFormat.PortableText))
        if action_id is None:
            return False
        if not event.isAutoRepeat() and event.key() not in self._down:
            self._down[event.key()] = action_id
            self._press(action_id)
        return True

    def _on_release(self, event: QKeyEvent) -> bool:
        if event.key() not in self._down:
            return False
        if not event.isAutoRepeat():
            self._release(self._down.pop(event.key()))
        return True


def tool_tip(spec: ActionSpec, keys: Sequence[str]) -> str:
    """What an action does and which keys ask for it."""
    shown = " or ".join(shown_keys(keys))
    text = spec.tip or spec.title
    return f"{text} ({shown})" if shown else text
