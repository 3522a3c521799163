"""One encoder worker as a child process: starting it, talking to it, ending it."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

from cellsam_desktop import paths
from cellsam_desktop.jobs.protocol import Message, from_line, to_line

log = logging.getLogger(__name__)

_GRACE_S = 0.3


def worker_command() -> list[str]:
    """The command line that starts a worker."""
    return [*paths.program_command(), "--worker"]


class WorkerProcess:
    """A running worker. It ends by itself when its input is closed, so it cannot outlive this process."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it.

        Raises:
            OSError: the system cannot.
        """
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        # A windowed program on Windows has no stderr that a child could inherit.
        stderr = subprocess.DEVNULL if sys.stderr is None else None
        self._process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, creationflags=flags
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.pid = self._process.pid

    def send(self, messages: Iterable[Message]) -> None:
        """Write messages; blocks while the worker does not read. Does nothing when it has ended."""
        try:
            for message in messages:
                self._stdin.write(to_line(message))
            self._stdin.flush()
        except (OSError, ValueError) as error:  # ValueError: the pipe was closed here, after the worker ended
            log.debug("The encoder worker does not listen any more: %s", error)

    def messages(self) -> Iterator[Message]:
        """What it says, until it ends."""
        for line in self._stdout:
            try:
                yield from_line(line)
            except ValueError:
                log.warning("The encoder worker said what nobody understands: %r", line[:200])

    def close_input(self) -> None:
        """Tell it to end. For the thread that sends."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def wait_or_kill(self) -> None:
        """Give it a moment to end, then end it; nothing is lost, it places files whole or not at all."""
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def finish(self) -> int:
        """Wait for its end, release the pipes, return the exit code (negative: the signal that ended it)."""
        code = self._process.wait()
        self.close_input()
        self._stdout.close()
        return code
