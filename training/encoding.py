"""Which views a run learns from: those that can be encoded in their part of the time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest

import numpy as np

from training.embed import Embeddings, Progress
from training.views import View

_FIRST_SHARE = 0.4
"""Of the time, for the first views of all frames."""

_MORE_SHARE = 0.15
"""Of the time, for views beyond these: closer, turned and mirrored ones."""

_AT_ONCE = 16  # views are encoded before the clock is looked at


def by_lot(views: Sequence[View], seed: int) -> list[View]:
    """The first views of all frames, the frames drawn by lot; then closer and turned ones take turns."""
    first = [view for view in views if _is_first(view)]
    frames = list(dict.fromkeys(view.frame for view in first))
    places = np.random.default_rng(seed).permutation(len(frames))
    place = dict(zip(frames, places.tolist(), strict=True))
    turned = [view for view in views if not view.closer and view.turn != 0]
    closer = [view for view in views if view.closer]
    others = [view for pair in zip_longest(closer, turned) for view in pair if view is not None]
    return sorted(first, key=lambda view: place[view.frame]) + others


def encode_in_time(
    order: Sequence[View],
    embeddings: Embeddings,
    minutes: float | None,
    progress: Progress,
    notice: Callable[[str], None],
) -> int:
    """Encode views in the ``order`` of ``by_lot`` while there is time, of a run of ``minutes``; how many.

    Raises:
        ImageError, ModelError: an image cannot be read, or encoded.
        Cancelled: ``progress`` raised it.
    """
    first = [view for view in order if _is_first(view)]
    others = order[len(first) :]
    done = _encode(first, embeddings, _seconds(_FIRST_SHARE, minutes), progress)
    if done == len(first):
        return done + _encode(others, embeddings, _seconds(_MORE_SHARE, minutes), progress)
    frames, lacking = {view.frame for view in first}, {view.frame for view in first[done:]}
    notice(
        f"There was no time to encode {len(lacking)} of {len(frames)} images to learn from, "
        "so they are left out: allow more time to learn from all."
    )
    return done


def _encode(views: Sequence[View], embeddings: Embeddings, seconds: float, progress: Progress) -> int:
    """Encode the first ones of ``views``, some at least, for so long; how many that is."""
    until = time.monotonic() + seconds
    done = 0

    def told(number: int, _: int) -> None:
        progress(done + number, len(views))

    while done < len(views) and (done == 0 or time.monotonic() < until):
        some = views[done : done + _AT_ONCE]
        embeddings.ensure(some, told)
        done += len(some)
    return done


def _seconds(share: float, minutes: float | None) -> float:
    return math.inf if minutes is None else share * minutes * 60


def _is_first(view: View) -> bool:
    return not view.closer and view.turn == 0
