"""The selected cells on the frame on screen, as a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from cellsam_desktop.analysis.measure import Measurement
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.core.wording import counted
from cellsam_desktop.ui.panels.chips import chip
from cellsam_desktop.ui.panels.labels import muted
from cellsam_desktop.ui.theme import SPACE, TIGHT

_LINES = ("Centroid", "Area", "Predicted IoU", "Source")
NO_VALUE = "–"
"""Lines without a value stay where they are: if they came and went, the plots below would move with them."""
SOURCES = {
    "click": "Clicks", "box": "Box", "brush": "Brush", "lasso": "Lasso", "imported": "Imported",
    "propagated": "Propagated",
}  # fmt: skip


class CellValues(QWidget):
    """Title, and centroid, area, predicted IoU and source of one cell; sums for several."""

    def __init__(self) -> None:
        super().__init__()
        self.chip = QLabel()
        self.title = QLabel()
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.note = muted()
        self.lines = {name: QLabel() for name in _LINES}
        head = QHBoxLayout()
        head.setSpacing(SPACE)
        head.addWidget(self.chip)
        head.addWidget(self.title)
        head.addWidget(self.note, 1, Qt.AlignmentFlag.AlignRight)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(2)
        for name, label in self.lines.items():
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(muted(name), label)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, TIGHT, SPACE, TIGHT)
        column.setSpacing(TIGHT)
        column.addLayout(head)
        column.addLayout(form)

    def show_nothing(self) -> None:
        """No cell is selected."""
        self.chip.hide()
        self.title.setText("No cell selected")
        self.note.clear()
        self._show_lines({})

    def show_cell(self, document: Document, cell_id: int, t: int, measured: Measurement | None) -> None:
        """One cell; ``measured`` is None where it has no mask."""
        cell, span = document.cell(cell_id), document.span(cell_id)
        self._paint_chip(cell_id)
        self.title.setText(cell.title)
        self.note.setText("" if span is None else span_text(span, len(document.track(cell_id))))
        if measured is None:
            self._show_lines({"Centroid": f"no mask on frame {t + 1}"})
            return
        scale, iou = document.calibration, measured.predicted_iou
        self._show_lines(
            {
                "Centroid": centroid_text(measured, scale),
                "Area": area_text(measured.area, scale),
                "Predicted IoU": "" if iou is None else f"{min(iou, 1.0):.3f}",  # the model may say more
                "Source": SOURCES.get(measured.source.value, measured.source.value),
            }
        )

    def show_cells(self, count: int, areas: Sequence[int], scale: Calibration) -> None:
        """Several cells; ``areas`` are those of the cells that have a mask on this frame, in pixels."""
        self.chip.hide()
        self.title.setText(f"{count} cells selected")
        self.note.setText(f"{len(areas)} on this frame")
        if not areas:
            self._show_lines({})
            return
        self._show_lines({"Area": f"{area_text(sum(areas) / len(areas), scale)} on average"})

    def _show_lines(self, texts: dict[str, str]) -> None:
        for name, label in self.lines.items():
            label.setText(texts.get(name) or NO_VALUE)

    def _paint_chip(self, cell_id: int) -> None:
        self.chip.setPixmap(chip(cell_id))
        self.chip.show()


def span_text(span: tuple[int, int], masks: int) -> str:
    """Where a cell lives, counted from 1: "frames 3–24, 21 masks"."""
    first, last = span
    frames = f"frame {first + 1}" if first == last else f"frames {first + 1}–{last + 1}"
    return f"{frames}, {counted(masks, 'mask')}"


def centroid_text(measured: Measurement, scale: Calibration) -> str:
    """The place of a mask: x 12.3, y 40.1 px  (1.23, 4.01 µm)."""
    text = f"x {measured.x:.1f}, y {measured.y:.1f} px"
    size = scale.pixel_size_um
    return text if size is None else f"{text}  ({measured.x * size:.2f}, {measured.y * size:.2f} µm)"


def area_text(area: float, scale: Calibration) -> str:
    """The size of a mask: 310 px  (3.10 µm²)."""
    text = f"{area:,.0f} px".replace(",", "\u202f")
    size = scale.pixel_size_um
    return text if size is None else f"{text}  ({area * size * size:.2f} µm²)"
