"""The real window off screen, driven by the events a curator causes, and what each of them costs."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import thread_time

from PySide6.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cellsam_desktop import app
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.preload import LIBRARIES
from cellsam_desktop.ui.watchdog import WatchedApplication

Act = Callable[[], object]

_SETTLE_MS = 90
_PATIENCE_S = 300.0


@dataclass
class Cost:
    """What one kind of action cost the main thread, each time: all its work, and the longest handler (ms)."""

    work_ms: list[float] = field(default_factory=list)
    longest_ms: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Median work, and the median and the worst of the longest handlers."""
        return {
            "work_ms": median(self.work_ms),
            "handler_ms": median(self.longest_ms),
            "worst_ms": max(self.longest_ms),
        }


class Window:
    """A window without an encoder, at rest after its start, and the hands to use it."""

    def __init__(self) -> None:
        found = app.application()
        assert isinstance(found, WatchedApplication), "run with CELLSAM_WATCHDOG=1"
        self._app = found
        self.program = app.build(Settings(welcomed=True))
        self.session, self.window = self.program.session, self.program.window
        self.canvas, self.table = self.window.canvas, self.window.layers.table
        self.window.show()
        for name in LIBRARIES:
            importlib.import_module(name)
        while self.window.prepare():
            self.rest(0)
        self.rest(500)

    def rest(self, ms: int = _SETTLE_MS) -> None:
        """Let the window live for a while."""
        loop = QEventLoop()
        QTimer.singleShot(ms, loop.quit)
        loop.exec()

    def wait(self, condition: Callable[[], object]) -> float:
        """Let the window live until the condition holds, and what follows is done; seconds until it held."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() > began + _PATIENCE_S:
                raise TimeoutError("the window did not get there")
            self.rest(10)
        seconds = time.monotonic() - began
        self.rest()
        return seconds

    def cost(self, act: Act, cost: Cost, until: Act = lambda: True) -> float:
        """Do something in an event, wait until its consequences are on screen, and add what they cost.

        Returns the seconds until ``until`` held.
        """
        self._app.reset()
        began, acted = thread_time(), []
        QTimer.singleShot(0, lambda: acted.append(act()))
        seconds = self.wait(lambda: acted and until())
        cost.work_ms.append(1000 * (thread_time() - began))
        cost.longest_ms.append(self._app.busiest[0].busy_ms if self._app.busiest else 0.0)
        return seconds

    # -- acting --------------------------------------------------------------------------------------

    def here(self) -> bool:
        """Whether the plane asked for is on screen."""
        return self.session.navigation.plane_index == self.session.view.index

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key on the canvas."""
        QTest.keyClick(self.canvas, key, keys)

    def select_all(self) -> None:
        """Press Ctrl+A on the list of cells."""
        QTest.keyClick(self.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)

    def click(self, x: float, y: float) -> None:
        """Click a pixel of the plane."""
        QTest.mouseClick(self.canvas.viewport(), Qt.MouseButton.LeftButton, pos=self._place(x, y))

    def stroke(self, x: float, y: float, length: float) -> None:
        """Drag from a pixel of the plane to the right."""
        view, left = self.canvas.viewport(), Qt.MouseButton.LeftButton
        QTest.mousePress(view, left, pos=self._place(x, y))
        QTest.mouseMove(view, self._place(x + length, y))
        QTest.mouseRelease(view, left, pos=self._place(x + length, y))

    def close(self) -> None:
        """Close the window as a curator does."""
        self.window.close()
        QApplication.processEvents()

    def _place(self, x: float, y: float) -> QPoint:
        return self.canvas.from_plane(QPointF(x, y)).toPoint()


def resident_mb() -> float:
    """Memory of this process now, in MB; its peak where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return peak_mb()


def peak_mb() -> float:
    """Largest memory of this process so far, in MB; NaN on Windows."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
