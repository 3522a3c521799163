"""What the encoder worker is busy with, as the window knows it."""

from __future__ import annotations

from collections.abc import Collection

from cellsam_desktop.jobs.targets import EncodeTarget


class AtWork:
    """The targets that the worker encodes together, and how far it is; ``now`` is in seconds (monotonic)."""

    def __init__(self) -> None:
        self.targets: tuple[EncodeTarget, ...] = ()
        self._together = 0
        self._since = 0.0
        self._each_s: float | None = None

    def begin(self, targets: tuple[EncodeTarget, ...], now: float) -> None:
        """It works on these from now on."""
        self.targets, self._together, self._since = targets, len(targets), now

    def end(self, target: EncodeTarget, now: float, *, encoded: bool) -> None:
        """One is answered; ``encoded``: by computing it, which tells how long the next ones will take."""
        if target not in self.targets:
            return
        if encoded and len(self.targets) == self._together:  # the others of a batch follow at once
            self._each_s = (now - self._since) / self._together
        self.targets = tuple(other for other in self.targets if other != target)

    def progress(self, targets: Collection[EncodeTarget], now: float) -> float | None:
        """How much of the encoding of one of ``targets`` is done, 0 to 1, going by what the last ones took.

        0 while the worker is busy with other targets; None before anything was encoded.
        """
        if self._each_s is None:
            return None
        if not any(target in targets for target in self.targets):
            return 0.0
        return min(1.0, (now - self._since) / (self._together * self._each_s))
