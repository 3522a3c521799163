"""What the window asks of a training that is under way."""

from __future__ import annotations

import threading

from cellsam_desktop.core.training_messages import Control


class Commands:
    """The control words that came; one thread tells, another trains."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = False
        self._ending: Control | None = None

    def tell(self, word: Control) -> None:
        """Take a word; what ends training is never taken back."""
        with self._changed:
            if word in (Control.STOP, Control.CANCEL):
                self._ending = word
            else:
                self._paused = word is Control.PAUSE
            self._changed.notify_all()

    @property
    def ending(self) -> Control | None:
        """``STOP`` or ``CANCEL`` once it was said."""
        return self._ending

    @property
    def paused(self) -> bool:
        """Whether training is to wait."""
        return self._paused and self._ending is None

    def wait_while_paused(self) -> None:
        """Return as soon as training may go on, or is to end."""
        with self._changed:
            self._changed.wait_for(lambda: not self.paused)
