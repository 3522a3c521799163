"""What the encoder is to work on, first things first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.curation.draft import Step
from cellsam_desktop.jobs.targets import EncodeTarget

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

# The worker is told only the next few targets, so that a step costs the same in a movie of any length.
_QUEUE = 32

# Frames as near as this are named even when they are done: the worker keeps them young in the cache.
_NEAR = 8

# Crops of what is on screen that are encoded before anybody points there: at once if so few show all of it,
# else at most so many, after the next frames.
_FEW = 12
_COVERING = 24

# Looks of the last clicks are encoded in so many frames ahead, before whole frames farther away.
_LAST_LOOKS = 6
_FRAMES_AHEAD = 2


class Agenda:
    """Keeps the worker's queue in step with the plane on screen, the view, the mouse and the draft.

    First what the curator waits for, then what cells are being carried to, the frame, what she points at and
    what she sees of it; then the same looks at the next frames in the direction of play, then whole frames
    outwards. ``orders`` counts the queues that were made.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pointer: Step | None = None
        self._last_looks: deque[Region] = deque(maxlen=_LAST_LOOKS)
        self._waiting: set[EncodeTarget] = set()
        self._here: tuple[EncodeTarget, ...] = ()
        self._carrying: tuple[EncodeTarget, ...] = ()
        self.orders = 0
        session.movie_changed.connect(self._on_movie)
        session.view.changed.connect(self._on_view)
        session.document_changed.connect(lambda changes: self.refresh() if changes.places else None)
        session.encoding.forgotten.connect(self.renew)
        session.encoding.settled.connect(self._on_settled)

    @property
    def answerable(self) -> bool:
        """Whether the model can answer where the mouse is, or else somewhere on the plane on screen."""
        questions = self._session.questions
        if self._session.encoding.current_key is not None:
            return True
        place = self._pointer
        return place is not None and bool(questions.encoded(place, questions.wanted(place)))

    @property
    def progress(self) -> float | None:
        """How much of the encoding that the draft waits for is done, 0 to 1; None when nobody can tell."""
        index, regions = self._session.view.index, self._session.prompting.answers.wanted
        return self._session.jobs.encoder.progress([EncodeTarget(index, region) for region in regions])

    def rest_at(self, x: float, y: float) -> None:
        """The mouse rests at (x, y): look there before looking elsewhere."""
        self._pointer = Step(Prompts((Point(x, y),)))
        self.refresh()

    def leave(self) -> None:
        """The mouse is not on the plane any more."""
        self._pointer = None

    def remember(self, region: Region) -> None:
        """A click was answered from this look: the next frames are worth the same one."""
        if region in self._last_looks:
            self._last_looks.remove(region)
        self._last_looks.appendleft(region)

    def carry(self, targets: Iterable[EncodeTarget]) -> None:
        """Propagation needs these, in order; replaces what it needed before."""
        targets = tuple(targets)
        if targets != self._carrying:
            self._carrying = targets
            self.renew()

    def refresh(self) -> None:
        """Order anew if what matters on the plane on screen is not what it was."""
        if tuple(self._on_this_plane()) != self._here:
            self.renew()

    def renew(self) -> None:
        """Replace the worker's queue."""
        if self._session.movie is None:
            return
        self._here = tuple(self._on_this_plane())
        # The cache evicts its oldest first, which is the frame on screen: never order more than it holds.
        targets = list(dict.fromkeys(self._targets()))[: self._session.jobs.cache.capacity]
        self._waiting = {target for target in targets if not self._is_done(target)}
        self._session.jobs.encoder.set_queue(targets)
        self.orders += 1
        self.make_ready()

    def make_ready(self) -> None:
        """The decoder needs some time with a look before it can answer: let it take that now."""
        encoding = self._session.encoding
        keys = (encoding.key(target.index, target.region) for target in self._here)
        self._session.jobs.decoder.prepare([key for key in keys if key is not None])

    # -- what is wanted --------------------------------------------------------------------------------

    def _targets(self) -> Iterator[EncodeTarget]:
        """What to encode, some of it done already and kept young that way."""
        movie, view, main = self._session.movie, self._session.view, self._session.questions.main
        assert movie is not None
        assert main is not None
        yield from (EncodeTarget(view.index, region) for region in self._asked())
        yield from self._carrying
        yield from self._on_this_plane()
        frames = outward(view.t, movie.info.sizes.t, view.play_direction)
        frames = frames[: self._session.jobs.cache.capacity]
        for t in self._ahead():
            yield from (EncodeTarget(view.index._replace(t=t), region) for region in self._same_looks())
        missing = frames[~self._done(view.index, movie.info.sizes.t)[frames]][:_QUEUE]
        for t in frames[:_NEAR].tolist():
            yield EncodeTarget(view.index._replace(t=t), main)
        yield from (EncodeTarget(view.index, region) for region in self._covering()[:_COVERING])
        for t in missing.tolist():
            yield EncodeTarget(view.index._replace(t=t), main)

    def _on_this_plane(self) -> Iterator[EncodeTarget]:
        """Everything of the plane on screen, first what the curator waits for."""
        questions = self._session.questions
        index, main = self._session.view.index, questions.main
        if main is None:
            return
        regions = [*self._asked(), main]
        if self._pointer is not None and self._is_seen(self._pointer):
            regions += questions.wanted(self._pointer)
        covering = self._covering()
        regions += covering if len(covering) <= _FEW else ()
        yield from (EncodeTarget(index, region) for region in dict.fromkeys(regions))

    def _asked(self) -> tuple[Region, ...]:
        """The looks that a click waits for."""
        prompting = self._session.prompting
        return () if prompting.decided else prompting.answers.wanted

    def _is_seen(self, place: Step) -> bool:
        """Whether a place lies in what is on screen: the view may have moved under the mouse."""
        part, point = self._session.questions.view, place.prompts.points[0]
        return part is None or part.contains(point.x, point.y)

    def _covering(self) -> tuple[Region, ...]:
        covering, place = self._session.questions.covering, self._pointer
        if place is None or not self._is_seen(place):
            return covering()
        return covering(place.prompts.points[0].x, place.prompts.points[0].y)

    def _ahead(self) -> list[int]:
        """The next frames in the direction of play."""
        movie, view = self._session.movie, self._session.view
        assert movie is not None
        frames = (view.t + view.play_direction * step for step in range(1, _FRAMES_AHEAD + 1))
        return [t for t in frames if 0 <= t < movie.info.sizes.t]

    def _same_looks(self) -> Iterable[Region]:
        """What the next frames will be looked at for, as far as one can tell."""
        questions, main = self._session.questions, self._session.questions.main
        assert main is not None
        pointed = questions.wanted(self._pointer)[:1] if self._pointer is not None else ()
        return dict.fromkeys((main, *pointed, *self._last_looks))

    def _done(self, index: PlaneIndex, frames: int) -> NDArray[np.bool_]:
        """Which frames of the channel and z position of ``index`` are encoded or given up."""
        done = np.zeros(frames, dtype=np.bool_)
        for series in (self._session.encoding.encoded_frames, self._session.encoding.failed_frames):
            done[np.fromiter(series, dtype=np.intp, count=len(series))] = True
        return done

    def _is_done(self, target: EncodeTarget) -> bool:
        return self._session.encoding.key(target.index, target.region) is not None

    # -- following the session -------------------------------------------------------------------------

    def _on_movie(self) -> None:
        self._pointer, self._here, self._carrying = None, (), ()
        self._last_looks.clear()
        self._waiting.clear()
        self.renew()

    def _on_view(self, names: frozenset[str]) -> None:
        if names & {"t", "c", "z", "play_direction"}:
            self.renew()
        elif "viewport" in names:
            self.refresh()

    def _on_settled(self, target: EncodeTarget) -> None:
        """One target of the queue is done; order more before the worker runs dry."""
        if target in self._here:
            self.make_ready()
        if target in self._waiting:
            self._waiting.discard(target)
            if len(self._waiting) == _QUEUE // 2:
                self.renew()


def outward(t: int, frames: int, direction: int) -> NDArray[np.intp]:
    """Every frame of a movie once, nearest to ``t`` first, two ahead in ``direction`` for each one behind.

    In the middle of a movie, forwards: t, t+1, t+2, t-1, t+3, t+4, t-2, ...
    """
    ahead = direction * (np.arange(frames) - t)
    return np.argsort(np.where(ahead < 0, 0.5 - 2 * ahead, ahead))
