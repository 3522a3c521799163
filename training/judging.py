"""What a decoder is worth on the test frames: as published figures are made, and as the window looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cellsam_desktop.sam.decoder import OnnxDecoder
from training.amounts import amount
from training.embed import Embeddings
from training.evaluate import judge, judge_by, spread
from training.frames import Frame
from training.looking import Looking, planes
from training.metrics import Judgement
from training.views import View, diameters, views_of

Progress = Callable[[int, int], None]

_CELLS_PER_MINUTE = 16
_FEWEST_CELLS, _MOST_CELLS = 24, 96
"""So many cells are asked for; more where there is more time."""

_CLOSER_PER_MINUTE = 3
_FEWEST_CLOSER, _MOST_CLOSER = 12, 48
"""Of these the first mask is asked for as the window looks; each takes one to three looks, to be encoded."""


@dataclass(frozen=True, eq=False)
class Findings:
    """``whole`` planes encoded once, with corrections; ``closer`` the first masks from the window's looks."""

    whole: Judgement
    closer: Judgement


class Judge:
    """Asks decoders for the same cells of ``frames``; ``views`` are those of the whole planes."""

    def __init__(self, frames: Sequence[Frame], embeddings: Embeddings, minutes: float | None) -> None:
        self.views: Sequence[View] = views_of(frames, "whole")
        self._planes = planes(frames)
        self._diameters = diameters(frames)
        self._embeddings = embeddings
        self._cells = amount(_CELLS_PER_MINUTE, _FEWEST_CELLS, _MOST_CELLS, minutes)
        self._closer = amount(_CLOSER_PER_MINUTE, _FEWEST_CLOSER, _MOST_CLOSER, minutes)
        chosen = zip(self.views, spread(self.views, self._cells), strict=True)
        self._asked = [view for view, cells in chosen if cells]

    def findings(self, decoder: OnnxDecoder, encoded: Progress, judged: Progress) -> Findings:
        """Ask one decoder; ``encoded`` hears of views, ``judged`` of cells.

        Raises:
            ImageError, ModelError: an image cannot be read, or encoded.
        """
        self._embeddings.ensure(self._asked, encoded)
        whole = judge(decoder, self.views, self._embeddings, limit=self._cells, progress=judged)
        looking = Looking(decoder, self._embeddings, self._diameters)
        closer = judge_by(looking, self._planes, clicks=1, limit=self._closer, progress=judged)
        return Findings(whole, closer)
