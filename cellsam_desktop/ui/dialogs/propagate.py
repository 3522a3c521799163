"""Propagate over a range of frames, forwards or backwards, within a domain if one is wanted."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QWidget

from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.dialogs.frame import Dialog, form_layout
from cellsam_desktop.ui.panels.fields import number_field
from cellsam_desktop.ui.panels.labels import muted

_LARGEST = 8
"""So many of the largest masks are offered as a domain: an eggshell or a colony is larger than its cells."""


class PropagateDialog(Dialog):
    """From and to which frame, which cells, and what they stay within."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Propagate over frames", parent, modal=True)
        movie = session.movie
        assert movie is not None, "there is nothing to propagate without a movie"
        self._session = session
        self._movie = movie
        frames = movie.info.sizes.t
        self.start = _frame_field(session.view.t + 1, frames)
        self.end = _frame_field(frames, frames)
        self.cells = QComboBox()
        self.domain = QComboBox()
        self.note = muted()
        self.note.setWordWrap(True)
        form = form_layout()
        form.addRow("From frame", self.start)
        form.addRow("To frame", self.end)
        form.addRow("Cells", self.cells)
        form.addRow("Keep within", self.domain)
        self.column.addLayout(form)
        self.column.addWidget(self.note)
        self.add_buttons(ok="Propagate")
        for field in (self.start, self.end):
            field.valueChanged.connect(self._refresh)
        self._refresh()

    def accept(self) -> None:
        """Begin."""
        super().accept()
        start, end = int(self.start.value()) - 1, int(self.end.value()) - 1
        self._session.propagating.over(start, end, self.cells.currentData(), self.domain.currentData())

    def _refresh(self) -> None:
        """What there is to choose from depends on the frame to begin from."""
        key = PlaneKey(int(self.start.value()) - 1, self._session.view.z)
        document, view = self._movie.document, self._session.view
        here = [i for i in document.cells_on(key) if view.is_visible(i)]
        selected = [i for i in here if i in view.selection]
        self.cells.blockSignals(True)
        self.cells.clear()
        if selected:
            self.cells.addItem(f"Selected ({len(selected)})", tuple(selected))
        self.cells.addItem(f"All visible ({len(here)})", tuple(here))
        self.cells.blockSignals(False)
        areas = {i: record.mask.area for i in here if (record := document.record(i, key)) is not None}
        self.domain.clear()
        self.domain.addItem("The whole image", None)
        for cell_id in sorted(areas, key=lambda i: -areas[i])[:_LARGEST]:
            self.domain.addItem(f"The mask of {document.cell(cell_id).title}", cell_id)
        self._describe()

    def _describe(self) -> None:
        frames = int(self.end.value() - self.start.value())
        if frames == 0:
            self.note.setText("Choose another frame to go to.")
        else:
            way = "forwards" if frames > 0 else "backwards"
            self.note.setText(
                f"{counted(abs(frames), 'frame')} {way}. Masks that you made or marked as seen, "
                "and locked cells, stay as they are."
            )


def _frame_field(value: int, frames: int) -> QDoubleSpinBox:
    field = number_field(1, frames)
    field.setKeyboardTracking(True)
    field.setValue(value)
    return field
