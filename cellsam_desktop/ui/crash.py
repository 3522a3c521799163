"""The unexpected: one hook for exceptions anywhere, and a dialog that can copy a report.

Nothing is lost by a crash of this kind: every accepted change is already in the project file, and the window
stays open.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from cellsam_desktop import __version__, logs
from cellsam_desktop.jobs.post import Post

log = logging.getLogger(__name__)

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_PACKAGES = ("PySide6-Essentials", "numpy", "onnxruntime-gpu", "onnxruntime", "torch", "tifffile")


class CrashHook:
    """Sends every unexpected exception, of any thread, to ``show`` on the main thread, with its report.

    The same exception at the same place is shown once; all are logged.
    """

    def __init__(self, post: Post, show: Callable[[str], None]) -> None:
        self._post = post
        self._show = show
        self._seen: set[str] = set()
        self._before = (sys.excepthook, threading.excepthook)

    def install(self) -> None:
        """Take the place of Python's hooks and of Qt's message handler."""
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(_log_qt)

    def uninstall(self) -> None:
        """Give the places back."""
        sys.excepthook, threading.excepthook = self._before
        qInstallMessageHandler(None)

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        log.critical("An unexpected error", exc_info=(kind, error, trace))
        text = report(error)
        key = f"{kind.__name__} {traceback.extract_tb(trace)[-1:] if trace else ''}"
        if key not in self._seen:
            self._seen.add(key)
            self._post(lambda: self._show(text))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)


class CrashDialog(QDialog):
    """Says that something unexpected happened, and copies the report."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something unexpected happened")
        self.report = text
        words = QLabel(
            "The program hit an error that it did not expect. Your accepted cells are safe in the project "
            "file, and you can go on working. Please copy this report and send it to the developers."
        )
        words.setWordWrap(True)
        details = QPlainTextEdit(text, readOnly=True)
        details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        details.setMinimumSize(620, 260)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy_button = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.clicked.connect(self.copy)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for widget in (words, details, buttons):
            column.addWidget(widget)

    def copy(self) -> None:
        """Put the report on the clipboard."""
        QGuiApplication.clipboard().setText(self.report)
        self.copy_button.setText("Copied")


def report(error: BaseException) -> str:
    """Everything a developer needs: versions, system, log file, traceback."""
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES if _version(name))
    head = [
        f"CellSAM Desktop {__version__}",
        f"Python {platform.python_version()} on {platform.platform()}",
        packages,
        f"Log: {logs.log_file()}",
        "",
    ]
    return "\n".join(head) + "\n" + "".join(traceback.format_exception(error))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _log_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    log.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
