"""Light and dark: two calm sets of greys with one accent colour, and how they reach Qt.

Widgets that paint themselves ask ``theme_of(self)`` and repaint on ``QEvent.Type.PaletteChange``: the palette
is the one place where the theme is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from cellsam_desktop.ui.stylesheet import stylesheet

SPACE = 8
"""Distance between things that belong together, in device-independent pixels."""
TIGHT = 4
"""Distance within one control."""
WIDE = 16
"""Margin of dialogs, and distance between groups."""


@dataclass(frozen=True)
class Theme:
    """Colours as "#rrggbb". ``canvas`` lies behind the image, ``plot`` behind curves."""

    name: str
    window: str
    surface: str
    raised: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selection: str
    canvas: str
    plot: str
    warning: str
    error: str
    good: str

    @property
    def dark(self) -> bool:
        """Whether text is brighter than its ground."""
        return self.name == "dark"

    def colour(self, role: str, alpha: float = 1.0) -> QColor:
        """One of the colours as a ``QColor`` of the given opacity (0 to 1)."""
        return QColor(_colour(getattr(self, role), alpha))


@cache
def _colour(name: str, alpha: float) -> QColor:
    colour = QColor(name)
    colour.setAlphaF(alpha)
    return colour


LIGHT = Theme(
    name="light",
    window="#f3f4f5",
    surface="#fcfcfd",
    raised="#e9ebed",
    border="#d6d9dd",
    text="#23272b",
    muted="#69717a",
    accent="#2b72b8",
    on_accent="#ffffff",
    selection="#d8e6f4",
    canvas="#e3e5e8",
    plot="#fcfcfd",
    warning="#9a6a00",
    error="#b3382c",
    good="#2f7d4f",
)

DARK = Theme(
    name="dark",
    window="#212427",
    surface="#1a1c1f",
    raised="#2d3135",
    border="#383d42",
    text="#dcdfe3",
    muted="#949ca5",
    accent="#6aa9e0",
    on_accent="#10151a",
    selection="#2b4258",
    canvas="#121416",
    plot="#1a1c1f",
    warning="#d9a441",
    error="#e5786d",
    good="#72b98b",
)


def theme_of(widget: QWidget) -> Theme:
    """The theme that a widget is shown in."""
    return DARK if widget.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


class Appearance(QObject):
    """Puts a theme on the application, and follows the system's when asked to."""

    changed = Signal(object)

    def __init__(self, app: QApplication, choice: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._choice = choice
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self.choose(choice)

    @property
    def theme(self) -> Theme:
        """The theme now shown."""
        dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        if self._choice != "system":
            dark = self._choice == "dark"
        return DARK if dark else LIGHT

    def choose(self, choice: str) -> None:
        """Show "light", "dark", or what the "system" prefers."""
        self._choice = choice
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        self._app.styleHints().setColorScheme(schemes.get(choice, Qt.ColorScheme.Unknown))
        self._apply()

    def _follow_system(self) -> None:
        if self._choice == "system":
            self._apply()

    def _apply(self) -> None:
        theme = self.theme
        self._app.setPalette(palette_of(theme))
        self._app.setStyleSheet(stylesheet(theme))
        self.changed.emit(theme)


def palette_of(theme: Theme) -> QPalette:
    """The Qt palette of a theme, disabled colours included."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for roles, name in _ROLES:
        for each in roles:
            palette.setColor(each, theme.colour(name))
    palette.setColor(role.PlaceholderText, theme.colour("muted", 0.75))
    for each in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(group.Disabled, each, theme.colour("muted", 0.55))
    palette.setColor(group.Disabled, role.Highlight, theme.colour("border"))
    return palette


_R = QPalette.ColorRole
_ROLES: tuple[tuple[tuple[QPalette.ColorRole, ...], str], ...] = (
    ((_R.Window, _R.Button), "window"),
    ((_R.Base,), "surface"),
    ((_R.AlternateBase, _R.ToolTipBase, _R.Light, _R.Midlight), "raised"),
    ((_R.Mid, _R.Dark, _R.Shadow), "border"),
    ((_R.WindowText, _R.Text, _R.ButtonText, _R.ToolTipText, _R.BrightText), "text"),
    ((_R.Highlight,), "selection"),
    ((_R.HighlightedText,), "text"),
    ((_R.Accent, _R.Link, _R.LinkVisited), "accent"),
)


def follow_theme(widget: QWidget, use_theme: Callable[[Theme], None]) -> None:
    """Run ``use_theme`` now and whenever the widget's palette changes."""
    _ThemeFollower(widget, use_theme)
    use_theme(theme_of(widget))


class _ThemeFollower(QObject):
    def __init__(self, widget: QWidget, use_theme: Callable[[Theme], None]) -> None:
        super().__init__(widget)
        self._widget, self._use_theme = widget, use_theme
        self._shown = theme_of(widget)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange and theme_of(self._widget) != self._shown:
            self._shown = theme_of(self._widget)
            self._use_theme(self._shown)
        return False
