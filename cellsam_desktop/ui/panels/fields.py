"""Fields beside the canvas: they take the keyboard only when clicked, and give it back."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox

from cellsam_desktop.ui.theme import TIGHT


def number_field(low: float, high: float, decimals: int = 0, suffix: str = "") -> QDoubleSpinBox:
    """A field for a number; it reports what was typed when Enter is pressed or the focus leaves."""
    field = QDoubleSpinBox()
    field.setRange(low, high)
    field.setDecimals(decimals)
    field.setSuffix(suffix)
    field.setKeyboardTracking(False)
    field.lineEdit().setTextMargins(TIGHT, 0, TIGHT, 0)
    return field


def panel_field(low: float, high: float, decimals: int = 0, suffix: str = "") -> QDoubleSpinBox:
    """A number field of a panel."""
    field = number_field(low, high, decimals, suffix)
    field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    field.editingFinished.connect(field.clearFocus)
    return field


def panel_choice(texts: Iterable[str] = ()) -> QComboBox:
    """A list of choices of a panel."""
    choice = QComboBox()
    choice.addItems(list(texts))
    choice.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    choice.activated.connect(lambda _: choice.clearFocus())
    return choice
