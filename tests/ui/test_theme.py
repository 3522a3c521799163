from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from cellsam_desktop.ui.stylesheet import stylesheet
from cellsam_desktop.ui.theme import DARK, LIGHT, Appearance, Theme, follow_theme, theme_of


def _contrast(a: str, b: str) -> float:
    def luminance(name: str) -> float:
        parts = [
            value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
            for value in QColor(name).getRgbF()[:3]
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable(theme: Theme) -> None:
    for ground in (theme.window, theme.surface, theme.raised, theme.selection):
        assert _contrast(theme.text, ground) > 7
        assert _contrast(theme.muted, ground) > 3.5
    for accent in (theme.accent, theme.error, theme.warning, theme.good):
        assert _contrast(accent, theme.window) > 3.5
    assert _contrast(theme.on_accent, theme.accent) > 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_style_sheet_is_filled_in(theme: Theme) -> None:
    assert "$" not in stylesheet(theme)
    assert theme.accent in stylesheet(theme)


def test_choosing_changes_palette_and_widgets(
    appearance: Appearance, qtbot: QtBot, qapp: QApplication
) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    seen: list[str] = []
    follow_theme(widget, lambda theme: seen.append(theme.name))
    appearance.choose("dark")
    qtbot.waitUntil(lambda: seen == ["light", "dark"])
    assert theme_of(widget) is DARK
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    appearance.choose("light")
    qtbot.waitUntil(lambda: seen == ["light", "dark", "light"])


def test_the_system_is_followed_only_when_asked(appearance: Appearance, qapp: QApplication) -> None:
    themes: list[Theme] = []
    appearance.changed.connect(themes.append)
    appearance.choose("system")
    system = DARK if qapp.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT
    assert themes == [system]
    appearance.choose("dark")
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert themes[-1] is DARK
