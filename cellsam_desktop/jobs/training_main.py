"""The process that trains: ``--worker training`` on the command line, then the words of ``cellsam-train``."""

from __future__ import annotations

import importlib
import logging
import os
import signal
from collections.abc import Sequence

from cellsam_desktop import installed, logs
from cellsam_desktop.core.training_messages import Failed, to_line
from cellsam_desktop.sam.cores import usable

log = logging.getLogger(__name__)

_CANNOT = 2
_NICE = 15
"""Below the encoder's worker (10): a frame that a click waits for is encoded first."""


def main(words: Sequence[str]) -> int:
    """Run ``cellsam-train`` with these words, quietly beside a window; returns its exit code."""
    # Ctrl+C in a terminal is for the window, which then ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)  # on Windows the parent sets the priority
    os.environ.setdefault("OMP_NUM_THREADS", str(threads()))
    # Threads that wait for each other spin, and take the cores from the window and the encoder while they do:
    # with two threads on two busy cores 5.5 products a second instead of 9.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logs.configure(role="training")
    if not installed.has_torch():
        print(
            to_line(Failed(f"Training needs PyTorch, which this build is without: {installed.FULL_BUILD}."))
        )
        return _CANNOT
    try:
        # By name: this package knows no training, and an installed program has no other Python to run it.
        code: int = importlib.import_module("training.__main__").main(list(words))
    except Exception:
        log.exception("Training ended unexpectedly.")
        return 1
    finally:
        logging.shutdown()
    return code


def threads() -> int:
    """Threads of training on the CPU: one core is left to the window."""
    return max(1, usable() - 1)
