"""Labels in the few styles that the style sheet knows."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel


def styled(role: str, text: str = "") -> QLabel:
    """A label whose look the style sheet gives by its role: title, heading, muted, chip, key, error ..."""
    label = QLabel(text)
    label.setProperty("role", role)
    return label


def muted(text: str = "") -> QLabel:
    """A label for what is good to know but not the matter itself."""
    return styled("muted", text)


def restyle(label: QLabel, role: str) -> None:
    """Give a label another role."""
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)
