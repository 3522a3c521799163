"""The decoder thread's decoder for work on another thread that has very many prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.jobs.waiting import wait
from cellsam_desktop.sam.cores import usable
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:
    from cellsam_desktop.jobs.decoder_thread import DecoderThread
    from cellsam_desktop.sam.decoder import Answer, PreparedImage

SLICE = min(8, usable())
"""So many prompts are answered in one go: one per core, which takes hardly longer than one alone. A hover or
a click that comes meanwhile waits for them and for nothing else."""


class QueuedDecoder:
    """Answers like an ``OnnxDecoder``, slice by slice, each behind the clicks and hovers that wait.

    To be used on a thread of its own, never on the main or the decoder thread. ``check`` is called while it
    waits and may raise to give up. ``slices`` counts what was asked for.
    """

    def __init__(self, thread: DecoderThread, check: Callable[[], None]) -> None:
        self._thread = thread
        self._check = check
        self.slices = 0

    def look(self, key: str) -> PreparedImage | None:
        """The look whose embedding has this key, prepared; None when it is not in the cache (any more)."""
        return wait(self._thread.run_later(lambda decoder, looks: looks.get(key)), self._check)

    def decode_many(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Answer]:
        """See ``OnnxDecoder.decode_many``."""
        answers: list[Answer] = []
        for first in range(0, len(prompts), SLICE):
            part = slice(first, first + SLICE)
            given = None if hints is None else hints[part]
            answers += self._slice(image, geometry, prompts[part], given)
        return answers

    def _slice(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[NDArray[np.float32] | None] | None,
    ) -> list[Answer]:
        self.slices += 1
        work = self._thread.run_later(
            lambda decoder, looks: decoder.decode_many(image, geometry, prompts, hints)
        )
        return wait(work, self._check)
