"""The composition root of the window: settings, jobs, session, window; the exception hook; the shutdown."""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from cellsam_desktop import __version__, paths
from cellsam_desktop.core import collector
from cellsam_desktop.curation.session import Jobs, Session
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui import icons, watchdog
from cellsam_desktop.ui.bridge import MainThreadPost
from cellsam_desktop.ui.crash import CrashDialog, CrashHook
from cellsam_desktop.ui.main_window import MainWindow
from cellsam_desktop.ui.named_files import FileNamingApplication
from cellsam_desktop.ui.preload import Preload
from cellsam_desktop.ui.theme import Appearance

log = logging.getLogger(__name__)

_ICON = 128
_WAKE_MS = 200
_SWITCH_S = 0.001
"""So long at most a thread at work in Python keeps the main thread waiting. Python's own choice is 5 ms, with
which the window answers half as slowly again while masks are imported or written."""
_PAINTED_MS = 50
"""So long after it was shown the window is painted, and what it will need later can be loaded."""
_SAMPLE = "embryo.tif"


@dataclass(frozen=True)
class Program:
    """The running parts, from the outside in."""

    window: MainWindow
    session: Session
    post: MainThreadPost
    preload: Preload


def run_gui(path: Path | None, *, demo: bool = False) -> int:
    """Open the window, with a movie, a project or the sample, and return the exit code when it is closed."""
    sys.setswitchinterval(_SWITCH_S)
    app = application()
    settings = Settings.load()
    program = build(settings)
    hook = CrashHook(program.post, partial(_show_crash, program.window))
    hook.install()
    wake = _let_python_handle_signals()
    program.window.show()
    QTimer.singleShot(0, partial(_begin, program, path, demo))
    try:
        return app.exec()
    finally:
        wake.stop()
        hook.uninstall()
        watchdog.log_slowest(app)


def application() -> QApplication:
    """The one ``QApplication``, with name and icon."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    kind = FileNamingApplication if sys.platform == "darwin" else QApplication
    app = (watchdog.WatchedApplication if watchdog.wanted() else kind)(sys.argv[:1])
    app.setApplicationName("cellsam-desktop")
    app.setApplicationDisplayName("CellSAM Desktop")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("cellsam-desktop")
    return app


def build(settings: Settings) -> Program:
    """Everything but the event loop; nothing heavy happens before ``start``."""
    app = application()
    appearance = Appearance(app, settings.theme)
    app.setWindowIcon(QIcon(icons.pixmap("app", appearance.theme.colour("accent"), _ICON)))
    post = MainThreadPost()
    session = Session(settings, post, jobs=Jobs.create(settings, post))
    window = MainWindow(session, appearance)
    preload = Preload(lambda: post(partial(_prepare, window)))
    window.closed.connect(post.close)
    window.closed.connect(preload.stop)
    window.desk.sample_wanted.connect(partial(open_sample, session))
    return Program(window, session, post, preload)


def start(program: Program) -> None:
    """Start the encoder's process, so that the model is loaded while the user looks for a movie, and load
    what the window will need soon.
    """
    program.session.jobs.encoder.start()
    QTimer.singleShot(_PAINTED_MS, program.preload.start)


def open_sample(session: Session) -> None:
    """Open the sample movie; the first time it is made, in the background."""
    folder = paths.data_dir() / "sample"
    movie = folder / _SAMPLE
    if movie.is_file():
        session.open(movie)
        return

    def make(progress: Progress) -> Path:
        from cellsam_desktop.images.sample import provide_sample

        unfinished = folder.with_name("sample.part")
        provide_sample(unfinished, progress=progress)
        return unfinished.rename(folder) / _SAMPLE

    session.jobs.runner.run("Making the sample", make, session.open, session.notices.failed)


def _begin(program: Program, path: Path | None, demo: bool) -> None:
    start(program)
    app = QApplication.instance()
    if isinstance(app, FileNamingApplication) and app.hand_to(program.session.open):
        return
    if demo:
        open_sample(program.session)
    elif path is not None:
        program.session.open(path)
    elif not program.session.settings.welcomed:
        program.window.desk.welcome()


def _prepare(window: MainWindow) -> None:
    """Make the plots, each in an event of its own, as long as nobody needs them yet."""
    if window.prepare():
        QTimer.singleShot(0, window, partial(_prepare, window))  # not after the window's end
    else:
        collector.spare_all()


def _show_crash(window: MainWindow, report: str) -> None:
    CrashDialog(report, window).open()


def _let_python_handle_signals() -> QTimer:
    """Ctrl+C in the terminal closes the window in order: Python looks at signals only while it runs."""
    signal.signal(signal.SIGINT, lambda *_: QApplication.closeAllWindows())
    timer = QTimer(interval=_WAKE_MS)
    timer.timeout.connect(lambda: None)
    timer.start()
    return timer
