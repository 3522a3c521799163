"""Training as a child process: starting it, hearing it, steering it, ending it."""

from __future__ import annotations

import contextlib
import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial

from psygnal import Signal

from cellsam_desktop import paths
from cellsam_desktop.core.training_messages import Control, Failed, from_line
from cellsam_desktop.jobs.post import Post

log = logging.getLogger(__name__)

_GRACE_S = 1.5
"""So long a process has to write down how far it is, when the window closes."""


def training_command() -> list[str]:
    """What the words of ``cellsam-train`` are added to; works where the only Python is the program's own."""
    return [*paths.program_command(), "--worker", "training"]


class TrainingProcess:
    """One run of ``cellsam-train``, with a priority below the window's.

    ``said`` gives its events and ``ended`` its exit code (negative: the signal that ended it), once and last;
    both on the main thread. It ends by itself when its input is closed, so it cannot outlive this process.
    """

    said = Signal(object)
    ended = Signal(int)

    def __init__(self, post: Post, words: Sequence[str], command: Sequence[str] | None = None) -> None:
        """Start it in the background: ``words`` as ``cellsam-train`` takes them."""
        self._post = post
        self._command = [*(training_command() if command is None else command), *words]
        self._words: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._silent = self._unwanted = False
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Its process id once it has been started."""
        return None if self._process is None else self._process.pid

    def tell(self, word: Control) -> None:
        """Say a control word; nothing happens when the process has ended."""
        self._words.put(word.value)

    def abandon(self) -> None:
        """Let it end when it likes, without waiting; nothing is delivered afterwards."""
        self._silent = True
        self._words.put(None)

    def kill(self) -> None:
        """End it at once, whatever it does; nothing is delivered afterwards."""
        self._unwanted = True
        self.abandon()
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """Let it write down how far it is, and end; nothing is delivered afterwards."""
        self.abandon()
        self._thread.join(_GRACE_S)
        if self._thread.is_alive() and self._process is not None:
            log.warning("Training did not end in time, so it is ended now.")
            self._process.kill()
            self._thread.join(_GRACE_S)

    # -- on threads ------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            process = self._process = _started(self._command)
        except OSError as error:
            self._deliver(
                partial(
                    self.said.emit,
                    Failed(f"Training cannot be started ({error}): install the program again."),
                )
            )
            self._deliver(partial(self.ended.emit, 1))
            return
        if self._unwanted:  # while it was being started
            process.kill()
        writer = threading.Thread(target=self._write, args=(process,), name="training-words", daemon=True)
        writer.start()
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._hear(line)
        code = process.wait()
        self._words.put(None)
        writer.join()
        self._deliver(partial(self.ended.emit, code))

    def _hear(self, line: str) -> None:
        try:
            event = from_line(line)
        except ValueError:
            log.warning("Training said what nobody understands: %r", line[:200])
            return
        self._deliver(partial(self.said.emit, event))

    def _write(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        # OSError: it has ended, which the reader notices.
        with contextlib.suppress(OSError), process.stdin as words:
            while (word := self._words.get()) is not None:
                words.write(word + "\n")
                words.flush()

    def _deliver(self, function: Callable[[], object]) -> None:
        def run() -> None:
            if not self._silent:
                function()

        self._post(run)


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A windowed program on Windows has no stderr that a child could inherit.
        stderr=subprocess.DEVNULL if sys.stderr is None else None,
        text=True,
        encoding="utf-8",
        errors="replace",
        creationflags=flags,
    )
