"""The common frame of our dialogs: margins, and a row of buttons of which one is the main one."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QPushButton, QVBoxLayout, QWidget

from cellsam_desktop.ui.theme import SPACE, WIDE


class Dialog(QDialog):
    """A dialog with a column to fill; it belongs to the window and does not block it unless said so."""

    def __init__(self, title: str, parent: QWidget | None, *, modal: bool = False) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(modal)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        self.column.setSpacing(SPACE)

    def add_buttons(self, *, ok: str | None = None, cancel: str | None = "Cancel") -> QDialogButtonBox:
        """Buttons at the foot: ``ok`` accepts and is the main one, ``cancel`` rejects."""
        box = QDialogButtonBox()
        if cancel is not None:
            box.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        if ok is not None:
            main = box.addButton(ok, QDialogButtonBox.ButtonRole.AcceptRole)
            make_main(main)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        self.column.addSpacing(SPACE)
        self.column.addWidget(box)
        return box


def form_layout() -> QFormLayout:
    """Labels at the left, fields at the right, both on one line."""
    form = QFormLayout()
    form.setHorizontalSpacing(2 * WIDE)
    form.setVerticalSpacing(SPACE)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def make_main(button: QPushButton) -> None:
    """Let a button stand out as the one most people want."""
    button.setProperty("main", "true")
    button.setDefault(True)
