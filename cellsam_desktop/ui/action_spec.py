"""What an action is: one thing the user can ask for, as data, with the keys that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from PySide6.QtGui import QImage, QKeySequence

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session
    from cellsam_desktop.ui.dialogs.desk import Desk


class Group(StrEnum):
    """Headings of the shortcut sheet."""

    TOOLS = "Tools"
    POINTING = "Pointing at a cell"
    CELLS = "Cells"
    TRACKS = "Cells over time"
    REVIEW = "Review"
    FRAMES = "Frames"
    VIEW = "View"
    MODEL = "Model"
    FILE = "File"
    HELP = "Help"


class Where(StrEnum):
    """Where an action's keys act: anywhere in the window, or only on the canvas."""

    WINDOW = "window"
    CANVAS = "canvas"


class WindowCommands(Protocol):
    """What actions ask of the window itself."""

    def fit_view(self) -> None:
        """Show the whole plane."""
        ...

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the view."""
        ...

    def hold_pan(self, on: bool) -> None:
        """While on, dragging with the left button moves the view."""
        ...

    def picture(self) -> QImage:
        """The view as it is on screen."""
        ...

    def close(self) -> bool:
        """Close the window."""
        ...


@dataclass(frozen=True)
class ActionContext:
    """Everything an action may use: the session, the dialogs (the desk), and the window."""

    session: Session
    desk: Desk
    window: WindowCommands


Run = Callable[[ActionContext], object]
Ask = Callable[[ActionContext], bool]


@dataclass(frozen=True)
class ActionSpec:
    """One thing the user can ask for.

    ``release`` makes its keys keys to hold: ``run`` when one goes down, ``release`` when it comes up.
    ``checked`` makes it a switch that shows its state; switches with the same ``exclusive`` word
    exclude each other.
    """

    id: str
    text: str
    group: Group
    run: Run
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    where: Where = Where.WINDOW
    enabled: Ask = lambda _: True
    checked: Ask | None = None
    release: Run | None = None
    exclusive: str = ""

    @property
    def title(self) -> str:
        """The text without the dots that announce a dialog."""
        return self.text.removesuffix("…")


@dataclass(frozen=True)
class Submenu:
    """A menu within a menu; ``entries`` are action ids, None for a line."""

    title: str
    entries: tuple[str | None, ...]


RECENT = "recent"
"""Place of the list of recently opened movies in a menu."""


@dataclass(frozen=True)
class Menu:
    """One menu of the menu bar; ``entries`` are action ids, submenus, RECENT, or None for a line."""

    title: str
    entries: tuple[str | Submenu | None, ...]


def keys_of(spec: ActionSpec, overrides: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The keys of an action in Qt's portable notation; the user's own take the place of the default ones."""
    keys = overrides.get(spec.id, spec.keys)
    return tuple(dict.fromkeys(text for key in keys if (text := normal_key(key))))


def normal_key(text: str) -> str:
    """A key in Qt's portable notation ("ctrl+shift+z" becomes "Ctrl+Shift+Z"); "" if it is not one key."""
    sequence = QKeySequence.fromString(text, QKeySequence.SequenceFormat.PortableText)
    portable = sequence.toString(QKeySequence.SequenceFormat.PortableText)
    return portable if sequence.count() == 1 and portable else ""


_ARROWS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
_NAMES = {"PgUp": "Page Up", "PgDown": "Page Down", "Del": "Delete", "Return": "Enter"}


def shown_key(text: str) -> str:
    """A key as this system writes it, for tips and the shortcut sheet."""
    return plain_key(QKeySequence.fromString(text).toString(QKeySequence.SequenceFormat.NativeText))


def plain_key(text: str) -> str:
    """A key with arrows as arrows and names in full."""
    head, plus, last = text.rpartition("+")
    if text.endswith("+"):
        head, plus, last = text[:-1].rstrip("+"), "+" if len(text) > 1 else "", "+"
    return head + plus + (_ARROWS | _NAMES).get(last, last)


def shown_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """Keys as this system writes them, each once: both Enter keys look alike."""
    return tuple(dict.fromkeys(shown_key(key) for key in keys))


def conflicts(specs: Iterable[ActionSpec], overrides: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Keys that more than one action claims, each with the ids of those actions."""
    claims: dict[str, list[str]] = {}
    for spec in specs:
        for key in keys_of(spec, overrides):
            claims.setdefault(key, []).append(spec.id)
    return {key: ids for key, ids in claims.items() if len(ids) > 1}
