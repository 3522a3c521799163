"""The real window under measurement: when its canvas was painted, and how long each event took to handle."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent

from cellsam_desktop import app
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.watchdog import WatchedApplication

_NONE, _LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
_PLAIN = Qt.KeyboardModifier.NoModifier
_SWITCH_S = 0.001  # as the program sets it when it starts
_LOOK_MS = 20
"""How often a condition is looked at; more often would take part in what is measured."""


class ProbedApplication(WatchedApplication):
    """Calls ``painted`` after each event in the course of which the watched widget was painted.

    The picture has gone to the screen by then: Qt paints and shows it within one event.
    """

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.painted: Callable[[], None] = lambda: None
        self._watched: QObject | None = None
        self._seen = False
        self._inside = 0

    def watch(self, widget: QObject) -> None:
        """Pay attention to the paint events of this widget."""
        self._watched = widget

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        """Deliver an event, and tell when it is over if it painted the widget."""
        if receiver is self._watched and event.type() == QEvent.Type.Paint:
            self._seen = True
        self._inside += 1
        try:
            return super().notify(receiver, event)
        finally:
            self._inside -= 1
            if self._seen and not self._inside:
                self._seen = False
                self.painted()


class Probe:
    """A window with everything behind it, and a hand whose events are posted as the system posts them."""

    def __init__(self) -> None:
        sys.setswitchinterval(_SWITCH_S)
        self.app = ProbedApplication(sys.argv[:1])
        self.program = app.build(Settings(welcomed=True))
        self.window, self.session = self.program.window, self.program.session
        self.canvas = self.window.canvas
        self.view = self.canvas.viewport()
        self.app.watch(self.view)
        self.app.painted = self._note
        self._awaited: Callable[[], Mask | None] = lambda: None
        self._before: Mask | None = None
        self._at: float | None = None
        self._loop = QEventLoop()
        self.window.show()
        app.start(self.program)
        self.wait(lambda: self.window.isVisible(), "the window")
        self.canvas.setFocus()

    # -- waiting -----------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 300.0) -> None:
        """Let the window live until the condition holds, in an event loop that sleeps as the program's does.

        Raises:
            TimeoutError: it does not within ``seconds``.
        """
        end, loop, look = time.monotonic() + seconds, QEventLoop(), QTimer(interval=_LOOK_MS)
        look.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() > end else None)
        look.start()
        self._loop = loop
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
            loop.exec()
        look.stop()

    def rest(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() >= end, "time")

    def open(self, movie: Path) -> None:
        """Open a movie and wait until clicks on its first frame can be answered."""
        session = self.session
        session.open(movie)
        self.wait(lambda: self._answers(movie), "the first embedding")

    def _answers(self, path: Path) -> bool:
        movie, encoding = self.session.movie, self.session.encoding
        if encoding.worker.kind == "broken":
            raise RuntimeError(encoding.message)
        return movie is not None and movie.info.path == path and not encoding.message

    def close(self) -> None:
        """End everything without keeping anything."""
        self.window.hide()
        self.session.close_movie(discard_unsaved=True)
        self.session.jobs.stop()
        self.program.preload.stop()

    # -- the hand ----------------------------------------------------------------------------------

    def place(self, x: float, y: float) -> QPoint:
        """Where a plane pixel lies on the canvas."""
        return self.canvas.from_plane(QPointF(x, y)).toPoint()

    def move(self, x: float, y: float) -> None:
        """Post a move of the mouse."""
        self._post(QEvent.Type.MouseMove, x, y, _NONE, _NONE)

    def click(self, x: float, y: float) -> None:
        """Post a press and a release of the left button."""
        self._post(QEvent.Type.MouseButtonPress, x, y, _LEFT, _LEFT)
        self._post(QEvent.Type.MouseButtonRelease, x, y, _LEFT, _NONE)

    def move_and_click(self, x: float, y: float) -> None:
        """Post a move and at once a click, as a pen or a quick hand does."""
        self.move(x, y)
        self.click(x, y)

    def _post(
        self, kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton, held: Qt.MouseButton
    ) -> None:
        place = QPointF(self.place(x, y))
        event = QMouseEvent(
            kind, place, QPointF(self.view.mapToGlobal(place.toPoint())), button, held, _PLAIN
        )
        QCoreApplication.postEvent(self.view, event)

    # -- what is on screen -------------------------------------------------------------------------

    def until_painted(self, act: Callable[[], None], mask: Callable[[], Mask | None]) -> float:
        """Milliseconds from ``act`` (which posts events) until a mask new in ``mask`` is on the screen."""
        self._awaited, self._before, self._at = mask, mask(), None
        begun = time.perf_counter()
        act()
        self.wait(lambda: self._at is not None, "the mask on screen", 60)
        assert self._at is not None
        return 1000 * (self._at - begun)

    def proposal(self) -> Mask | None:
        """The mask of the chosen candidate."""
        proposal = self.session.prompting.proposal
        return None if proposal is None else proposal.mask

    def hover(self) -> Mask | None:
        """The mask under the mouse."""
        hover = self.session.prompting.hover
        return None if hover is None else hover.mask

    def _note(self) -> None:
        mask = self._awaited()
        if self._at is None and mask is not None and mask is not self._before:
            self._at = time.perf_counter()
            self._loop.quit()
