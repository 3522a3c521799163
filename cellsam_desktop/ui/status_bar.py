"""The line at the bottom: where the mouse is, what the program is doing, and whether all is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from cellsam_desktop.jobs.runner import Job
from cellsam_desktop.ui.canvas.canvas import Canvas
from cellsam_desktop.ui.listening import Later, listen
from cellsam_desktop.ui.training_button import TrainingButton

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_DEVICES = {"cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}


class StatusBar(QStatusBar):
    """Shows position and pixel value at the left; job, encoder, decoder and saving at the right."""

    def __init__(self, session: Session, canvas: Canvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self.setSizeGripEnabled(False)
        self.position = _label("Position of the mouse in pixels and micrometres, and the pixel's value")
        self.review = _label("Masks worth a look; the Track menu goes through them")
        self.job = JobIndicator(self)
        self.training = TrainingButton(session)
        self.encoding = _label("What the encoder is doing, and on which device")
        self.looking = _label("Which part of the image the model looked at for the mask on screen")
        self.decoding = _label("Time the decoder took for the last mask, and where it runs")
        self.saved = _label("Every accepted change is saved at once")
        self.addWidget(self.position, 1)
        shown = (self.review, self.encoding, self.looking, self.decoding, self.saved)
        for widget in (self.job, self.training, *shown):
            self.addPermanentWidget(widget)
        self._connect()
        self._refresh()

    def _connect(self) -> None:
        session = self._session
        self._moved, self._answered = Later(self, self._show_position), Later(self, self._show_answer)
        self._canvas.pointer.moved.connect(self._moved.ask)
        self._canvas.range_changed.connect(self._moved.ask)
        listen(self, session.navigation.plane_changed, self._show_position)
        listen(self, session.encoding.changed, self._show_encoding)
        for signal in (session.prompting.changed, session.prompting.hover_changed):
            listen(self, signal, self._answered.ask)
        listen(self, session.saving.changed, self._show_saved)
        listen(self, session.document_changed, self._on_document)
        listen(self, session.movie_changed, self._refresh)
        listen(self, session.reviewing.changed, self._show_review)
        listen(self, session.jobs.runner.started, self.job.follow)

    def _refresh(self) -> None:
        self._show_position()
        self._show_encoding()
        self._show_answer()
        self._show_saved()
        self._show_review()

    def _on_document(self, _: object) -> None:
        self._show_position()
        self._show_saved()

    def _show_position(self) -> None:
        movie, point = self._session.movie, self._canvas.mouse_in_plane()
        if movie is None or point is None or not movie.frame_region.contains(point.x(), point.y()):
            self.position.setText("")
            return
        text = f"x {point.x():.1f}   y {point.y():.1f} px"
        size = movie.document.calibration.pixel_size_um
        if size is not None:
            text += f"     {point.x() * size:.2f}, {point.y() * size:.2f} µm"
        self.position.setText(f"{text}     {self._value(round(point.x()), round(point.y()))}")

    def _value(self, x: int, y: int) -> str:
        plane = self._session.navigation.plane
        if plane is None or not (0 <= y < plane.shape[0] and 0 <= x < plane.shape[1]):
            return ""
        value = plane[y, x]
        return " ".join(f"{sample:g}" for sample in value) if value.ndim else f"{value:g}"

    def _show_encoding(self) -> None:
        encoding, movie = self._session.encoding, self._session.movie
        where = _where(encoding.worker.device)
        if encoding.worker.kind in ("starting", "loading"):
            text = "Loading the model …"
        elif encoding.worker.kind == "broken":
            text = "No encoder"
        elif movie is None:
            text = f"Encoder{where}" if where else ""
        else:
            done, all_of_them = len(encoding.encoded_frames), movie.info.sizes.t
            count = f" {done} / {all_of_them}" if done < all_of_them else ""
            text = f"Encoded{count}{where}"
        self.encoding.setText(text)
        self.encoding.setToolTip(
            encoding.worker.message or encoding.message or "All that is near is encoded."
        )

    def _show_answer(self) -> None:
        self._show_looking()
        self._show_decoding()

    def _show_looking(self) -> None:
        movie, region = self._session.movie, self._session.prompting.looking
        if movie is None or region is None:
            text = tip = ""
        elif region == movie.frame_region:
            text, tip = "Whole image", "The model saw the whole image for this mask."
        else:
            text = f"Crop {max(region.height, region.width)} px"
            tip = (
                f"The model saw {region.width} × {region.height} pixels around this mask, "
                "chosen by the sizes of the cells accepted so far."
            )
        if self._session.settings.reference_mode:
            tip += "\nThe reference mode (Tools menu) shows it nothing else."
        self.looking.setText(text)
        self.looking.setToolTip(tip)

    def _show_decoding(self) -> None:
        decode_ms = self._session.prompting.decode_ms
        provider = self._session.jobs.decoder.provider.removesuffix("ExecutionProvider")
        self.decoding.setText("" if decode_ms is None else f"Mask {decode_ms:.0f} ms{_where(provider)}")

    def _show_review(self) -> None:
        """The first reason; all of them in the tool tip."""
        text = self._session.reviewing.text
        self.review.setText(text.split(";")[0])
        self.review.setToolTip(text or "Nothing is doubtful.")

    def _show_saved(self) -> None:
        movie = self._session.movie
        if movie is None:
            self.saved.setText("")
        elif self._session.saving.writing:
            self.saved.setText("Saving …")
        elif self._session.unsaved:
            self.saved.setText("Not saved")
            self.saved.setToolTip("The last change could not be written: make room, then File > Save.")
        else:
            self.saved.setText("Saved" if movie.store is not None else "")
            self.saved.setToolTip(f"Every accepted change is saved at once in {movie.project_path}.")


class JobIndicator(QWidget):
    """The newest running job with its progress, and a button to cancel it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []
        self.text = _label("What is running in the background")
        self.bar = QProgressBar(textVisible=False, maximum=1000)
        self.bar.setFixedSize(110, 6)
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.cancel.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.text, self.bar, self.cancel):
            row.addWidget(widget)
        self.hide()

    def follow(self, job: Job) -> None:
        """Show this job until it ends."""
        self._jobs.append(job)
        listen(self, job.changed, self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        self._jobs = [job for job in self._jobs if job.running]
        self.setVisible(bool(self._jobs))
        if not self._jobs:
            return
        job = self._jobs[-1]
        self.text.setText("Cancelling …" if job.cancelled else f"{job.name} {job.text}".strip())
        self.bar.setMaximum(0 if job.fraction <= 0 else 1000)
        self.bar.setValue(round(1000 * job.fraction))
        self.cancel.setEnabled(not job.cancelled)

    def _cancel(self) -> None:
        if self._jobs:
            self._jobs[-1].cancel()
            self._refresh()


def _label(tip: str) -> QLabel:
    label = QLabel()
    label.setToolTip(tip)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
    label.setContentsMargins(8, 2, 8, 2)
    return label


def _where(device: str) -> str:
    """On which device, with a space before it; nothing while that is not known."""
    return f" on {_DEVICES.get(device.lower(), device)}" if device else ""
