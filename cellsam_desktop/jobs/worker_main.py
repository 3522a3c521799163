"""The process of the encoder worker: ``--worker`` on the command line."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import BinaryIO

from cellsam_desktop import logs
from cellsam_desktop.jobs.protocol import Message, from_line, to_line
from cellsam_desktop.jobs.worker import Worker

log = logging.getLogger(__name__)


def main(words: Sequence[str] = ()) -> int:
    """Serve the parent process until it closes the pipe; never returns."""
    commands, answers = _take_pipes()
    logs.configure(role="encoder-worker")
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl+C in a terminal is for the parent, which then ends this
    if hasattr(os, "nice"):
        os.nice(10)  # on Windows the parent sets the priority

    def send(message: Message) -> None:
        try:
            answers.write(to_line(message))
            answers.flush()
        except OSError:
            os._exit(0)  # nobody listens any more

    worker = Worker(send)
    threading.Thread(target=_listen, args=(commands, worker), name="commands", daemon=True).start()
    worker.run()
    return 0


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes for ourselves: whatever a library reads or prints must not touch them."""
    sys.stdout = sys.stderr
    commands = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, answers


def _listen(commands: BinaryIO, worker: Worker) -> None:
    try:
        for line in commands:
            try:
                worker.receive(from_line(line))
            except ValueError:
                log.exception("A command is not understood.")
    finally:
        # The parent has ended or wants this to end. Not sys.exit: the other threads may be deep in PyTorch,
        # and nothing has to be tidied up, since files are placed whole or not at all.
        logging.shutdown()
        os._exit(0)
