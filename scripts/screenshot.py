"""Take a picture of the real window with a movie or project in it, also where there is no screen.

    .venv/bin/python scripts/screenshot.py MOVIE_OR_PROJECT PICTURE.png [--theme dark] [--frame 12] ...

The pictures of the documentation are made with it, so that they show the program as it is.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and sys.platform.startswith("linux"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from cellsam_desktop.app import Program

_PATIENCE_S = 300.0
_SETTLE_S = 1.0


def main() -> int:
    """Take the picture; 1 and a sentence when the window said that something went wrong."""
    arguments = _parse()
    from cellsam_desktop import app
    from cellsam_desktop.settings import Settings

    program = app.build(Settings(welcomed=True, theme=arguments.theme))
    complaints: list[str] = []
    program.session.notices.posted.connect(
        lambda notice: complaints.append(notice.text) if notice.level == "error" else None
    )
    program.window.resize(*arguments.size)
    program.window.show()
    _arrange(program, arguments, complaints)
    program.window.grab().save(str(arguments.out))
    program.window.hide()  # closing it would keep its size and theme in the user's settings
    program.session.close_movie(discard_unsaved=True)
    program.session.jobs.stop()
    for complaint in complaints:
        print(f"screenshot: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Take a picture of the window with a movie in it.")
    parser.add_argument("path", type=Path, help="a movie or project")
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("--labels", type=Path, help="label images to import as cells")
    parser.add_argument("--frame", type=int, default=1, help="frame on screen, from 1")
    parser.add_argument("--select", default="", help="ids of cells, such as 3,7")
    parser.add_argument("--point", default="", help="X,Y of a click that is not accepted yet")
    parser.add_argument("--panel", default="", help="tab on top, such as Lineage")
    parser.add_argument("--colour-by", default="cell", help="what the colours tell, such as lineage")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))), default=(1360, 860))
    return parser.parse_args()


def _arrange(program: Program, arguments: argparse.Namespace, complaints: list[str]) -> None:
    from cellsam_desktop.analysis.colouring import ColourBy

    session = program.session
    if arguments.panel:
        _raise(program, arguments.panel)
    session.open(arguments.path)
    _wait(lambda: complaints or (session.movie is not None and not session.jobs.runner.jobs))
    if session.movie is None:
        return
    if arguments.labels is not None:
        session.exchange.import_labels(arguments.labels)
        _wait(lambda: not session.jobs.runner.jobs)
    session.view.set(colour_by=ColourBy(arguments.colour_by))
    _wait(lambda: not session.jobs.runner.jobs)
    session.navigation.go_to(arguments.frame - 1)
    session.view.set(selection=tuple(int(word) for word in arguments.select.split(",") if word))
    _wait(lambda: complaints or session.navigation.plane_index == session.view.index)
    if arguments.point:
        from cellsam_desktop import app

        app.start(program)
        session.prompting.add_point(*map(float, arguments.point.split(",")))
        _wait(lambda: complaints or not session.prompting.waiting)
    _wait(lambda: complaints or not program.window.notices.shown)
    _rest(_SETTLE_S)


def _raise(program: Program, panel: str) -> None:
    from PySide6.QtWidgets import QDockWidget

    dock = program.window.findChild(QDockWidget, f"dock {panel}")
    if dock is None:
        raise SystemExit(f"screenshot: there is no panel {panel}")
    dock.raise_()
    while program.window.prepare():
        continue


def _wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"screenshot: the window was not ready within {_PATIENCE_S:.0f} s")
        _live()


def _rest(seconds: float) -> None:
    end = time.monotonic() + seconds
    _wait(lambda: time.monotonic() >= end)


def _live() -> None:
    from PySide6.QtWidgets import QApplication

    QApplication.processEvents()
    time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
