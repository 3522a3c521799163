"""Number fields in one style."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox

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
    """A number field beside the canvas: it takes the keyboard only when clicked, and gives it back."""
    field = number_field(low, high, decimals, suffix)
    field.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    field.editingFinished.connect(field.clearFocus)
    return field
