"""The composition root, the crash dialog, the bridge between threads, and the watchdog."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
from PySide6.QtCore import QTimer, qWarning
from PySide6.QtGui import QGuiApplication

from cellsam_desktop import app, paths
from cellsam_desktop.settings import Settings
from cellsam_desktop.ui.bridge import MainThreadPost
from cellsam_desktop.ui.crash import CrashDialog, CrashHook, report
from cellsam_desktop.ui.preload import Preload


@pytest.fixture
def program(qtbot):
    program = app.build(Settings(welcomed=True))
    qtbot.addWidget(program.window)
    program.window.show()
    yield program
    program.session.shutdown(discard_unsaved=True)
    program.window.close()


def test_the_window_never_imports_torch():
    code = (
        "import sys\n"
        "from cellsam_desktop import app\n"
        "from cellsam_desktop.settings import Settings\n"
        "program = app.build(Settings(welcomed=True))\n"
        "program.window.show()\n"
        "app.application().processEvents()\n"
        "program.window.close()\n"
        "assert not {'torch', 'torchvision', 'timm'} & set(sys.modules), 'torch was imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_first_picture_of_the_window_waits_for_no_large_library():
    code = (
        "import sys\n"
        "from cellsam_desktop import app\n"
        "from cellsam_desktop.settings import Settings\n"
        "program = app.build(Settings(welcomed=True))\n"
        "program.window.show()\n"
        "app.application().processEvents()\n"
        "large = {'onnxruntime', 'pyqtgraph', 'scipy', 'tifffile', 'PIL', 'requests', 'zarr'}\n"
        "assert not large & set(sys.modules), large & set(sys.modules)\n"
        "program.window.close()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_what_is_needed_soon_is_loaded_afterwards_and_the_plots_are_made(program, qtbot):
    assert not program.window.cell._plots
    program.preload.start()
    qtbot.waitUntil(lambda: len(program.window.cell._plots) == 2, timeout=60000)
    assert {"onnxruntime", "pyqtgraph", "tifffile", "scipy.ndimage"} <= set(sys.modules)
    qtbot.waitUntil(lambda: not program.window.prepare())


def test_what_does_not_load_is_logged_and_the_rest_is_loaded(caplog):
    done = threading.Event()
    preload = Preload(done.set, ("there_is_no_such_library", "colorsys"))
    preload.start()
    assert done.wait(10)
    assert "there_is_no_such_library does not load" in caplog.text
    assert "colorsys" in sys.modules


def test_closing_does_not_wait_for_what_was_not_begun():
    done = []
    preload = Preload(lambda: done.append(True), ("colorsys",))
    preload.stop()
    preload.start()
    preload.stop()
    assert done == []


def test_closing_puts_everything_away_and_remembers_the_window(program, qtbot):
    program.window.resize(780, 560)
    with qtbot.waitSignal(program.window.closed, timeout=5000):
        program.window.close()
    kept = Settings.load().window
    assert set(kept) == {"geometry", "state"}
    again = app.build(Settings(window=kept, welcomed=True))
    qtbot.addWidget(again.window)
    assert again.window.size() == program.window.size()
    again.window.close()


def test_the_sample_is_made_once(program, qtbot):
    session = program.session
    app.open_sample(session)
    qtbot.waitUntil(lambda: session.movie is not None, timeout=60000)
    assert session.movie.info.path.parent == paths.data_dir() / "sample"
    made = session.movie.info.path.stat().st_mtime_ns
    session.close_movie()
    app.open_sample(session)
    qtbot.waitUntil(lambda: session.movie is not None, timeout=10000)
    assert session.movie.info.path.stat().st_mtime_ns == made
    assert not (paths.data_dir() / "sample.part").exists()


def test_posts_run_on_the_main_thread_in_order(qtbot):
    post, ran = MainThreadPost(), []

    def work() -> None:
        for n in range(100):
            post(lambda n=n: ran.append((n, threading.current_thread())))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == []
    qtbot.waitUntil(lambda: len(ran) == 100)
    assert [n for n, _ in ran] == list(range(100))
    assert {where for _, where in ran} == {threading.main_thread()}
    post(lambda: ran.append("late"))
    post.close()
    qtbot.wait(20)
    assert "late" not in ran


def fail() -> None:
    raise RuntimeError("as planned")


@pytest.fixture
def hook(qtbot):
    shown = []
    post = MainThreadPost()
    hook = CrashHook(post, shown.append)
    hook.install()
    yield shown
    hook.uninstall()
    post.close()


def test_an_exception_is_shown_once_and_ends_nothing(hook, qtbot, caplog):
    for _ in range(3):
        QTimer.singleShot(0, fail)
    qtbot.waitUntil(lambda: bool(hook))
    qtbot.wait(20)
    assert len(hook) == 1
    assert "RuntimeError: as planned" in hook[0]
    assert "CellSAM Desktop" in hook[0]
    assert sum("An unexpected error" in record.message for record in caplog.records) == 3


def test_an_exception_in_a_thread_is_shown(hook, qtbot):
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(hook))
    assert "RuntimeError: as planned" in hook[0]


def test_qt_messages_go_to_the_log(hook, caplog):
    with caplog.at_level("DEBUG"):
        qWarning("a message of Qt")
    assert any(record.message == "Qt: a message of Qt" for record in caplog.records)


def test_the_report_can_be_copied(qtbot):
    try:
        raise KeyError("lost")
    except KeyError as error:
        text = report(error)
    dialog = CrashDialog(text)
    qtbot.addWidget(dialog)
    dialog.copy_button.click()
    assert QGuiApplication.clipboard().text() == text
    assert "KeyError: 'lost'" in text
    assert "Python 3" in text


def test_the_watchdog_names_the_slowest_handler():
    code = (
        "import time\n"
        "from PySide6.QtCore import QEvent, QObject\n"
        "from cellsam_desktop import app\n"
        "class Slow(QObject):\n"
        "    def event(self, event):\n"
        "        time.sleep(0.05)\n"
        "        return True\n"
        "watched, slow = app.application(), Slow()\n"
        "watched.sendEvent(slow, QEvent(QEvent.Type.User))\n"
        "worst = watched.slowest[0]\n"
        "assert (worst.event, worst.receiver) == ('User', 'Slow'), worst\n"
        "assert 45 < worst.ms < 500, worst\n"
    )
    environment = {"CELLSAM_WATCHDOG": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env={**os.environ, **environment})


def test_a_running_job_is_shown(program, qtbot):
    done = []
    program.session.jobs.runner.run("Busy", lambda progress: time.sleep(0.3), done.append, print)
    assert program.window.status.job.isVisible()
    qtbot.waitUntil(lambda: bool(done), timeout=5000)
    assert not program.window.status.job.isVisible()


def test_files_that_the_system_names_are_opened_early_or_late():
    code = (
        "from pathlib import Path\n"
        "from PySide6.QtCore import QCoreApplication\n"
        "from PySide6.QtGui import QFileOpenEvent\n"
        "from cellsam_desktop.ui.named_files import FileNamingApplication\n"
        "app, opened = FileNamingApplication([]), []\n"
        "QCoreApplication.sendEvent(app, QFileOpenEvent('/early.cellsam'))\n"
        "assert app.hand_to(opened.append)\n"
        "QCoreApplication.sendEvent(app, QFileOpenEvent('/late.cellsam'))\n"
        "assert opened == [Path('/early.cellsam'), Path('/late.cellsam')], opened\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
