"""One propagation: frame after frame on a job's thread, the document's part on the main thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from cellsam_desktop.analysis.carried import Carried, Image, NextFrame, Young
from cellsam_desktop.analysis.looking import Look
from cellsam_desktop.core.errors import Cancelled, CellSamError
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey, Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.propagation_edits import (
    Outcome,
    Proposed,
    Recent,
    Survey,
    going_on,
    newly_proposed,
    outcome,
    recent,
    survey,
)
from cellsam_desktop.images.contrast import model_view
from cellsam_desktop.jobs.batch_decoder import QueuedDecoder
from cellsam_desktop.jobs.decode_request import EncodedLook
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.jobs.targets import EncodeTarget
from cellsam_desktop.jobs.waiting import on_main_thread, wait
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:
    from cellsam_desktop.curation.open_movie import OpenMovie
    from cellsam_desktop.curation.session import Session

T = TypeVar("T")

_AHEAD = 2
"""The looks of so many frames more are encoded while one is worked on."""


@dataclass(frozen=True)
class Plan:
    """What to carry: the frame to begin from and the ``frames`` to fill, in order, each beside the last.

    ``cells`` are carried as far as they have masks on ``start``; they stay within the mask of the cell
    ``domain``, if one is given.
    """

    start: int
    frames: tuple[int, ...]
    cells: tuple[int, ...]
    domain: int | None = None

    @property
    def step(self) -> int:
        """+1 forwards in time, -1 backwards."""
        return 1 if not self.frames or self.frames[0] > self.start else -1


@dataclass
class Tally:
    """What came of a propagation so far. ``reached`` is the last frame done, ``frames`` how many were."""

    reached: int
    frames: int = 0
    placed: set[int] = field(default_factory=set)
    lost: dict[int, tuple[int, str]] = field(default_factory=dict)
    divided: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, t: int, step: Outcome) -> None:
        """Count one frame more."""
        self.reached, self.frames = t, self.frames + 1
        self.placed.update(placed.cell_id for placed in step.placed)
        self.lost.update({cell_id: (t, reason) for cell_id, reason in step.lost.items()})
        for mother in step.undone:
            self.divided.pop(mother, None)
        self.divided.update(step.divided)


@dataclass(frozen=True)
class _Step:
    """One frame to be filled, with what is known before its looks are asked."""

    target: PlaneIndex
    survey: Survey
    known: tuple[Carried | Recent, ...]
    domain: Mask | None
    proposed: tuple[Proposed, ...] = ()
    carried: tuple[Carried, ...] = ()
    young: tuple[Young, ...] = ()
    regions: tuple[Region, ...] = ()

    @property
    def basis(self) -> tuple[object, ...]:
        """What the step is made from; masks are the same only if nobody has touched them."""
        proposed = [(one.daughters, one.masks) for one in self.proposed]
        return self.survey, [cell.mask for cell in self.known], self.domain, proposed


class PropagationRun:
    """Fills the frames of one plan. ``work`` runs on a job's thread; everything else on the main thread."""

    def __init__(self, session: Session, plan: Plan, refused: dict[int, int]) -> None:
        assert session.movie is not None
        self.plan = plan
        self.tally = Tally(plan.start)
        self._session = session
        self.movie: OpenMovie = session.movie
        self._refused = refused
        self._first = session.view.index._replace(t=plan.start)
        self._contrast = session.navigation.contrast
        self._decoder_path = session.encoding.decoder_path
        self._cells: tuple[int, ...] = plan.cells
        self._carried: dict[int, Carried] = {}
        self._waiting: tuple[_Step, Future[tuple[EncodedLook, ...]]] | None = None
        self._group = object()
        self._images: dict[int, Image] = {}

    # -- on the job's thread ---------------------------------------------------------------------------

    def work(self, progress: Progress) -> None:
        """Fill the frames one after the other, until no cell is left; raises Cancelled."""
        decoder = QueuedDecoder(self._session.jobs.decoder, progress.check)
        for number, t in enumerate(self.plan.frames):
            progress(number / len(self.plan.frames), f"frame {t + 1}")
            if not self._fill(t, decoder, progress):
                return

    def _fill(self, t: int, decoder: QueuedDecoder, progress: Progress) -> bool:
        """Carry the cells to one frame; False when none is left.

        Done again when somebody changed meanwhile what it was made from, or masks that are to stay.
        """
        while True:
            step = self._main(progress, partial(self._prepare, t))
            if step is None:
                return False
            step, found = self._measured(step), NextFrame([], [], [])
            if step.carried:
                found = self._carry(step, decoder, progress)
            after = self._after(step, found)
            if self._main(progress, partial(self._commit, step, found, after)):
                return True

    def _measured(self, step: _Step) -> _Step:
        """The step with everything that takes a look at pixels, or at all cells with each other."""
        from cellsam_desktop.analysis.propagation import looks_needed

        carried = tuple(one.carried() if isinstance(one, Recent) else one for one in step.known)
        young = tuple(one.young() for one in step.proposed)
        regions = looks_needed(self.movie.frame_region, carried)
        return replace(step, carried=carried, young=young, regions=regions)

    def _after(self, step: _Step, found: NextFrame) -> dict[int, Carried]:
        """What is known of each cell one frame on. The masks are packed here, ready to be written."""
        before = {cell.cell_id: cell for cell in (*step.carried, *(young.mother for young in step.young))}
        whole = (young.mother.mask for young in found.undone)
        placed = (placed.mask for placed in found.placed)
        for mask in chain(whole, placed, *(split.masks for split in found.splits)):
            _ = mask.packed
        return {placed.cell_id: before[placed.cell_id].then(placed) for placed in found.placed}

    def _carry(self, step: _Step, decoder: QueuedDecoder, progress: Progress) -> NextFrame:
        from cellsam_desktop.analysis.propagation import carry

        looks = self._looks(step, decoder, progress)
        while looks is None:
            looks = self._looks(step, decoder, progress)
        return carry(
            decoder,
            looks,
            step.carried,
            plane=self.movie.frame_region,
            fixed=step.survey.fixed,
            domain=step.domain,
            previous_image=self._image(step.target.t - self.plan.step),
            image=self._image(step.target.t),
            divisions=self.plan.step > 0,
            young=step.young,
        )

    def _looks(self, step: _Step, decoder: QueuedDecoder, progress: Progress) -> dict[Region, Look] | None:
        """The looks of a step when all are encoded and prepared; None if one was evicted meanwhile."""
        looks: dict[Region, Look] = {}
        for look in wait(self._main(progress, partial(self._order, step)), progress.check):
            prepared = decoder.look(look.key)
            if prepared is None:  # to be encoded again
                self._main(progress, partial(self._session.jobs.decoder.missing.emit, look.key))
                return None
            looks[look.geometry.region] = prepared, look.geometry
        return looks

    def _image(self, t: int) -> Image:
        """The plane of a frame as the model sees it; the last two are remembered."""
        if t not in self._images:
            plane = self.movie.source.read_plane(self._first._replace(t=t))
            self._images[t] = model_view(plane, self._contrast)
            while len(self._images) > 2:
                del self._images[next(iter(self._images))]
        return self._images[t]

    def _main(self, progress: Progress, function: Callable[[], T]) -> T:
        return wait(on_main_thread(self._session.post, function), progress.check)

    # -- on the main thread ----------------------------------------------------------------------------

    def look_again(self) -> None:
        """Something was encoded, or cannot be: go on if it was waited for."""
        if self._waiting is None:
            return
        step, future = self._waiting
        try:
            self._check()
            looks = self._encoded(step)
        except CellSamError as error:
            self._waiting = None
            future.set_exception(error)
            return
        if looks is not None:
            self._waiting = None
            future.set_result(looks)

    def end(self) -> None:
        """Let the encoder do what it did before."""
        self._waiting = None
        if self._session.movie is self.movie:
            self._session.agenda.carry(())

    def _check(self) -> None:
        if self._session.movie is not self.movie:
            raise Cancelled("The movie was closed.")
        encoding = self._session.encoding
        if encoding.decoder_path != self._decoder_path and self._decoder_path is not None:
            raise CellSamError("Another model or decoder was chosen: propagate again to go on with it.")
        self._decoder_path = encoding.decoder_path
        if encoding.worker.kind == "broken":
            raise CellSamError(encoding.worker.message)

    def _prepare(self, t: int) -> _Step | None:
        """What is to be done for frame ``t``; None when no cell is left."""
        self._check()
        document, index = self.movie.document, self._first._replace(t=t)
        source, target = PlaneKey(t - self.plan.step, index.z), PlaneKey(t, index.z)
        todo = survey(document, self._cells, source, target, ignored=self.plan.domain)
        if not todo.carry and not todo.there:
            return None
        known = tuple(cell for i in todo.carry if (cell := self._known(i, source)) is not None)
        return _Step(index, todo, known, self._domain(target), newly_proposed(document, todo, source, target))

    def _known(self, cell_id: int, source: PlaneKey) -> Carried | Recent | None:
        """What the last step left, unless the curator has changed the mask since."""
        record = self.movie.document.record(cell_id, source)
        last = self._carried.get(cell_id)
        if last is not None and record is not None and last.mask is record.mask:
            return last
        return recent(self.movie.document, cell_id, source, self.plan.step)

    def _domain(self, target: PlaneKey) -> Mask | None:
        """The mask of the domain on this frame, or else where the plan began."""
        if self.plan.domain is None:
            return None
        places = (target, target._replace(t=self.plan.start))
        records = (self.movie.document.record(self.plan.domain, place) for place in places)
        return next((record.mask for record in records if record is not None), None)

    def _order(self, step: _Step) -> Future[tuple[EncodedLook, ...]]:
        """Have the looks encoded; the answer comes when all of them are.

        Raises:
            CellSamError: they are more than the cache holds.
        """
        if len(step.regions) > self._session.jobs.cache.capacity:
            looks = counted(len(step.regions), "look")
            raise CellSamError(
                f"Frame {step.target.t + 1} needs {looks} at once, more than the cache for embeddings holds: "
                "raise its limit in the preferences, or propagate fewer cells."
            )
        future: Future[tuple[EncodedLook, ...]] = Future()
        self._waiting = step, future
        self._session.agenda.carry(self._targets(step))
        self.look_again()
        return future

    def _targets(self, step: _Step) -> Iterable[EncodeTarget]:
        ahead = [t for t in self.plan.frames if (t - step.target.t) * self.plan.step >= 0]
        for t in ahead[: 1 + _AHEAD]:
            yield from (EncodeTarget(step.target._replace(t=t), region) for region in step.regions)

    def _encoded(self, step: _Step) -> tuple[EncodedLook, ...] | None:
        encoding = self._session.encoding
        if encoding.decoder_path is None:
            return None
        keys = {region: encoding.key(step.target, region) for region in step.regions}
        looks = tuple(EncodedLook(key, InputGeometry(r)) for r, key in keys.items() if key is not None)
        if len(looks) == len(keys):
            return looks
        failure = encoding.failure(step.target)
        if failure is not None:
            raise CellSamError(f"Frame {step.target.t + 1} could not be encoded: {failure}")
        return None

    def _commit(self, step: _Step, found: NextFrame, after: dict[int, Carried]) -> bool:
        """Put what was found into the document; False, and nothing done, if it is out of date."""
        now = self._prepare(step.target.t)
        if now is None or now.basis != step.basis:
            return False
        target = PlaneKey(step.target.t, step.target.z)
        document = self.movie.document
        result = outcome(
            document,
            found,
            target,
            decoder=self._session.decoders.label,
            ahead=tuple(t for t in self.plan.frames if (t - target.t) * self.plan.step > 0),
            never=frozenset(i for i, t in self._refused.items() if t == target.t),
        )
        if result.edits and not self._session.commit("Propagate", result.edits, group=self._group):
            raise Cancelled("A cell refused its mask.")
        self.tally.add(target.t, result)
        self._carried = {placed.cell_id: after[placed.cell_id] for placed in result.placed}
        self._cells = going_on(step.survey, result)
        return True
