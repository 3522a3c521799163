"""Acts on the real window as a curator does, with mouse and keys, and waits as she would."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cellsam_desktop import app
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.settings import Settings

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
Labels = npt.NDArray[np.integer]

PATIENCE_S = 400.0
"""How long an answer may take: on a busy machine the model alone takes minutes to load."""


class Curator:
    """A window with everything behind it, real weights included, and the hands to use it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.program = app.build(settings or Settings(welcomed=True))
        self.window, self.session = self.program.window, self.program.session
        self.canvas = self.window.canvas
        self.said: list[str] = []
        self.session.notices.posted.connect(self._hear)
        self.window.show()
        self.window.activateWindow()
        app.start(self.program)
        self.wait(lambda: self.window.isActiveWindow(), "the window to become active")
        self.canvas.setFocus()

    def _hear(self, notice: object) -> None:
        self.said.append(f"{notice}")

    # -- waiting -----------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
        """Let the window live until the condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                encoding = self.session.encoding
                state = f"{encoding.worker}, {encoding.message!r}"
                raise AssertionError(f"waited {seconds:.0f} s for {what}; {state}; said: {self.said}")
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            time.sleep(0.002)

    def rest(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= end, "time to pass")

    def wait_encoded(self) -> None:
        """Until clicks on the frame on screen can be answered."""
        self.wait(lambda: self.session.movie and not self.session.encoding.message, "the frame to be encoded")

    # -- files -------------------------------------------------------------------------------------

    def drop(self, path: Path) -> None:
        """Drop a file on the window and wait until it is open."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        place, copy = QPoint(300, 300), Qt.DropAction.CopyAction
        enter = QDragEnterEvent(place, copy, data, LEFT, NONE)
        QApplication.sendEvent(self.window, enter)
        assert enter.isAccepted()
        QApplication.sendEvent(self.window, QDropEvent(QPointF(place), copy, data, LEFT, NONE))
        self.wait(lambda: self._is_open(path), f"{path.name} to open")

    def _is_open(self, path: Path) -> bool:
        movie = self.session.movie
        if movie is None or self.session.navigation.plane is None:
            return False
        return path.resolve() in (movie.info.path.resolve(), movie.project_path.resolve())

    def close(self) -> None:
        """Close the window as the user does."""
        self.window.close()
        self.wait(lambda: not self.window.isVisible(), "the window to close")
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    # -- mouse and keys ----------------------------------------------------------------------------

    def place(self, x: float, y: float) -> QPoint:
        """Where a plane pixel lies in the canvas."""
        return self.canvas.from_plane(QPointF(x, y)).toPoint()

    def hover(self, x: float, y: float) -> None:
        """Move the mouse over a plane pixel."""
        QTest.mouseMove(self.canvas.viewport(), self.place(x, y))

    def click(
        self, x: float, y: float, button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NONE
    ) -> None:
        """Click a plane pixel."""
        self.hover(x, y)
        QTest.mouseClick(self.canvas.viewport(), button, keys, self.place(x, y))

    def drag(self, *points: tuple[float, float], keys: Qt.KeyboardModifier = NONE) -> None:
        """Drag with the left button along plane pixels."""
        view = self.canvas.viewport()
        QTest.mousePress(view, LEFT, keys, self.place(*points[0]))
        for point in points[1:]:
            QTest.mouseMove(view, self.place(*point))
            self.rest(0.02)
        QTest.mouseRelease(view, LEFT, keys, self.place(*points[-1]))

    def wheel(self, notches: int, keys: Qt.KeyboardModifier = NONE) -> None:
        """Turn the wheel over the middle of the canvas."""
        middle = QPointF(self.canvas.width() / 2, self.canvas.height() / 2)
        event = QWheelEvent(
            middle, QPointF(self.canvas.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.canvas.viewport(), event)

    def press(self, key: Qt.Key, keys: Qt.KeyboardModifier = NONE, times: int = 1) -> None:
        """Press a key while the canvas has focus."""
        for _ in range(times):
            QTest.keyClick(self.canvas, key, keys)

    # -- what one does all day -----------------------------------------------------------------------

    def propose(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> Mask | None:
        """Click and wait for the proposal."""
        self.click(x, y, button)
        prompting = self.session.prompting
        self.wait(lambda: prompting.complete and prompting.proposal, "a proposal")
        assert prompting.proposal is not None
        return prompting.proposal.mask

    def hover_mask(self, x: float, y: float) -> Mask:
        """Hover and wait for the mask that a click would give."""
        self.canvas.pointer.leave()
        self.hover(x, y)
        self.wait(
            lambda: self.session.prompting.hover and self.session.prompting.hover.mask, "the hover mask"
        )
        assert self.session.prompting.hover is not None
        assert self.session.prompting.hover.mask is not None
        return self.session.prompting.hover.mask

    def step(self, key: Qt.Key = Qt.Key.Key_Right) -> None:
        """Go to another frame and wait until it is on screen."""
        self.press(key)
        session = self.session
        self.wait(lambda: session.navigation.plane_index == session.view.index, "the frame to be read")

    # -- looking -------------------------------------------------------------------------------------

    def masks(self) -> dict[tuple[int, PlaneKey], Mask]:
        """All masks of the document."""
        movie = self.session.movie
        assert movie is not None
        document = movie.document
        return {(i, key): record.mask for i in document.cell_ids for key, record in document.track(i).items()}


def inner_point(labels: Labels, label: int) -> tuple[int, int]:
    """The pixel (x, y) of a label that lies deepest inside it."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(labels == label, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(x), int(y)


def iou(mask: Mask, labels: Labels, label: int) -> float:
    """Intersection over union of a mask with one label."""
    truth = labels == label
    plane = mask.to_plane(*labels.shape)
    return float((plane & truth).sum() / (plane | truth).sum())


def same_masks(a: dict[tuple[int, PlaneKey], Mask], b: dict[tuple[int, PlaneKey], Mask]) -> bool:
    """Whether two sets of masks agree in every pixel."""
    return a.keys() == b.keys() and all(mask.same_pixels(b[place]) for place, mask in a.items())
