"""What the window will need soon, loaded when it is there: its start waits for none of it (decision 0190)."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

LIBRARIES = ("onnxruntime", "pyqtgraph", "cellsam_desktop.images.files", "scipy.ndimage")
"""The decoder, the plots and outlines, the formats of movies, the corrections of shapes."""


class Preload:
    """Imports ``LIBRARIES`` on a thread, then calls ``done`` there; ``stop`` ends it.

    Imports take turns with the main thread many times a second; left to the first action that needs them,
    they would hold it up for half a second each.
    """

    def __init__(self, done: Callable[[], None], names: Sequence[str] = LIBRARIES) -> None:
        self._done, self._names = done, names
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="preload", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the import under way: a thread must not be in the middle of one when Python ends."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        for name in self._names:
            if self._stopping.is_set():
                return
            try:
                importlib.import_module(name)
            except ImportError:
                log.exception("%s does not load; what needs it will say so.", name)
        if not self._stopping.is_set():
            self._done()
