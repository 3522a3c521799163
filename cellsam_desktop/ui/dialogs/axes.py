"""Which stored axis is which, and the physical scale."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QWidget

from cellsam_desktop.core.records import Calibration
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.session import Session
from cellsam_desktop.images.opening import possible_axes
from cellsam_desktop.images.source import MovieInfo
from cellsam_desktop.ui.dialogs.frame import Dialog, form_layout
from cellsam_desktop.ui.panels.fields import number_field
from cellsam_desktop.ui.panels.labels import muted, restyle
from cellsam_desktop.ui.theme import SPACE

_WORDS = {"T": "frame", "C": "channel", "Z": "z position"}


class AxesDialog(Dialog):
    """Shows what the file says, or what was guessed; what is corrected is applied on OK."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Axes and scale", parent, modal=True)
        movie = session.movie
        assert movie is not None, "there are no axes without a movie"
        self._session = session
        self._info = movie.info
        scale = self._before = movie.document.calibration
        self.axes = QComboBox()
        for axes in possible_axes(self._info):
            self.axes.addItem(f"{axes}   {described(self._info, axes)}", axes)
        self.pixel_size = _length(scale.pixel_size_um, "µm")
        self.z_step = _length(scale.z_step_um, "µm")
        self.interval = _length(scale.frame_interval_s, "s")
        self.guess = muted()
        self._build()

    def _build(self) -> None:
        title = QLabel(f"<b>{self._info.path.name}</b>")
        self.column.addWidget(title)
        size = f"{self._info.sizes.x} × {self._info.sizes.y} pixels"
        self.column.addWidget(muted(f"{self._info.format}, {self._info.dtype}, {size}"))
        form = form_layout()
        form.addRow("Axes", self.axes)
        form.addRow("", self.guess)
        form.addRow("Pixel size", self.pixel_size)
        form.addRow("Distance of planes", self.z_step)
        form.addRow("Time between frames", self.interval)
        self.column.addSpacing(SPACE)
        self.column.addLayout(form)
        form.setRowVisible(self.z_step, self._info.sizes.z > 1)
        form.setRowVisible(self.interval, self._info.sizes.t > 1)
        self.axes.setEnabled(self.axes.count() > 1)
        if self._info.axes_guessed:
            restyle(self.guess, "warning")
            self.guess.setText("The file does not name its axes: this is a guess.")
        else:
            self.guess.setText("As the file names them.")
        self.add_buttons(ok="Apply")

    @property
    def calibration(self) -> Calibration:
        """The scale as entered; 0 stands for unknown."""
        before = self._before
        return Calibration(
            _entered(self.pixel_size, before.pixel_size_um),
            _entered(self.z_step, before.z_step_um),
            _entered(self.interval, before.frame_interval_s),
        )

    def accept(self) -> None:
        """Apply what was changed: the scale at once, the axes as soon as the movie was read anew."""
        super().accept()
        self._session.editing.set_calibration(self.calibration)
        axes = self.axes.currentData()
        if axes != self._info.stored_axes:
            self._session.open_with_axes(axes)


def described(info: MovieInfo, axes: str) -> str:
    """What a choice of axes means: "24 frames, 2 channels"."""
    sizes = {
        "T": info.sizes.t,
        "C": info.sizes.c,
        "Z": info.sizes.z,
        "Y": info.sizes.y,
        "X": info.sizes.x,
        "S": 3,
    }
    lengths = [sizes[letter] for letter in info.stored_axes]
    along = zip(axes, lengths, strict=True)
    parts = [counted(length, _WORDS[letter]) for letter, length in along if letter in _WORDS]
    if "S" in axes:
        parts.append("colour")
    return ", ".join(parts) or "one image"


def _length(value: float | None, unit: str) -> QDoubleSpinBox:
    field = number_field(0, 1_000_000, 4, f" {unit}")
    field.setSpecialValueText("unknown")
    field.setValue(value or 0.0)
    return field


def _entered(field: QDoubleSpinBox, before: float | None) -> float | None:
    """What a field says; the exact value from before where it still shows that."""
    if before is not None and field.value() == round(before, field.decimals()):
        return before
    return field.value() or None
