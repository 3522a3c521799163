"""One start of a window, in a process of its own: ``python startup_child.py ours|bare BEGAN``.

``BEGAN`` is the parent's ``time.monotonic_ns()`` just before it started this process. Prints one JSON line:
the milliseconds until the window was painted and until it had answered an input event, and what was loaded.
Until the window is there this file loads nothing that the window would not.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from PySide6.QtWidgets import QMainWindow, QWidget

    from cellsam_desktop.settings import Settings

SIZE = (1360, 860)


def watch(window: QMainWindow, surface: QWidget, report: Callable[[dict[str, float]], None]) -> None:
    """Report when ``surface`` was painted and when it then had answered a mouse move; close the window."""
    from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPointF, Qt, QTimer
    from PySide6.QtGui import QMouseEvent

    began, seen = int(sys.argv[2]), {}

    def note(name: str) -> None:
        seen[name] = (time.monotonic_ns() - began) / 1e6

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and "painted_ms" not in seen:
                seen["painted_ms"] = 0.0
                QTimer.singleShot(0, after_paint)
            elif event.type() == QEvent.Type.MouseMove and "answered_ms" not in seen:
                seen["answered_ms"] = 0.0
                QTimer.singleShot(0, after_move)
            return False

    def after_paint() -> None:
        note("painted_ms")
        none, place = Qt.MouseButton.NoButton, QPointF(50.0, 50.0)
        keys = Qt.KeyboardModifier.NoModifier
        move = QMouseEvent(
            QEvent.Type.MouseMove, place, surface.mapToGlobal(place), none, Qt.MouseButton.NoButton, keys
        )
        QCoreApplication.postEvent(surface, move)

    def after_move() -> None:
        note("answered_ms")
        report(seen)
        window.close()

    watcher = Watcher(window)
    surface.installEventFilter(watcher)


def tell(seen: dict[str, float]) -> None:
    """Print what was seen, and whether torch was loaded."""
    print(json.dumps({**seen, "modules": len(sys.modules), "torch": "torch" in sys.modules}), flush=True)


def bare() -> int:
    """What any window with these two libraries costs: a main window around an empty plot."""
    import pyqtgraph as pg
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication([])
    window = QMainWindow()
    plot = pg.PlotWidget()
    window.setCentralWidget(plot)
    window.resize(*SIZE)
    watch(window, plot.viewport(), tell)
    window.show()
    return app.exec()


def ours() -> int:
    """The program as its command starts it."""
    from dataclasses import replace

    from cellsam_desktop import cli

    def run(arguments: argparse.Namespace) -> int:
        from cellsam_desktop import app

        build = app.build

        def watched(settings: Settings) -> app.Program:
            program = build(settings)
            watch(program.window, program.window.canvas.viewport(), tell)
            return program

        app.build = watched
        return cli.run_gui(arguments)

    cli.VERBS["gui"] = replace(cli.VERBS["gui"], run=run)
    return cli.main(["gui"])


if __name__ == "__main__":
    sys.exit({"ours": ours, "bare": bare}[sys.argv[1]]())
