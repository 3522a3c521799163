"""Which masks a curator should look at first, kept up to date mask by mask."""

from __future__ import annotations

from dataclasses import dataclass

from cellsam_desktop.analysis import doubts as odd
from cellsam_desktop.analysis.along import after, before, beside
from cellsam_desktop.analysis.doubts import Oddity
from cellsam_desktop.analysis.judging import Judge, Own
from cellsam_desktop.analysis.signs import Origin, Sign, by_origin, likely
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import Place, PlaneKey

DOUBTFUL = 0.5
"""A mask that is wrong with less probability is not doubtful."""

_HANDED_ON = 0.9  # a wrong mask makes the ones carried on from it wrong
_SAME = 0.01
_BULK = 1000  # after a change of more masks whole cells are gone through, some at a time


@dataclass(frozen=True, slots=True)
class Doubt:
    """A mask to look at: ``score`` is how likely it is wrong, ``reasons`` say why, the weightiest first."""

    cell_id: int
    key: PlaneKey
    score: float
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        """The reasons in one line."""
        return "; ".join(self.reasons)


@dataclass(frozen=True, slots=True)
class _Line:
    """What a mask hands on to those carried on from it: how likely it is wrong, whether by itself it is
    ``doubtful``, and where it comes from.
    """

    wrong: float
    doubtful: bool
    origin: Origin

    def is_like(self, other: _Line) -> bool:
        """Whether those carried on are judged the same by either."""
        same = (self.doubtful, self.origin) == (other.doubtful, other.origin)
        return same and abs(self.wrong - other.wrong) <= _SAME


class Review:
    """Scores the masks of a document that no person made or saw, on planes of (height, width).

    ``update`` notes what changed; ``work`` does it, in pieces as large as one likes. ``doubts`` are the
    masks with a score of at least ``DOUBTFUL`` that are the first so in a row, and proposed divisions.
    ``scored`` counts the masks compared with the one before.
    """

    def __init__(self, document: Document, frames: int, height: int, width: int) -> None:
        self._document = document
        self._judge = Judge(document, frames, height, width)
        self._todo: dict[Place, None] = {}
        self._passed: dict[Place, None] = {}
        self._own: dict[Place, Own] = {}
        self._score: dict[Place, float] = {}
        self._lines: dict[Place, _Line] = {}
        self._daughters: dict[int, tuple[int, int]] = {}
        self.doubts: dict[Place, Doubt] = {}
        for mother, daughters in document.lineage.divisions():
            self._daughters[mother] = daughters
        self._cells: dict[int, frozenset[PlaneKey]] = dict.fromkeys(document.cell_ids, frozenset())

    # -- reading -----------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """How many masks, and whole cells, are still to be worked out."""
        return len(self._todo) + len(self._passed) + len(self._cells)

    @property
    def scored(self) -> int:
        """How many masks were compared with the one before so far."""
        return self._judge.compared

    def ranked(self) -> list[Doubt]:
        """The doubts, the most likely mistakes first."""
        return sorted(self.doubts.values(), key=lambda doubt: (-doubt.score, doubt.key, doubt.cell_id))

    def score(self, cell_id: int, key: PlaneKey) -> float:
        """How likely a mask is wrong; 0 for those that a person made or saw."""
        return self._score.get((cell_id, key), 0.0)

    # -- following ---------------------------------------------------------------------------------

    def update(self, changes: ChangeSet) -> None:
        """Note which masks have to be looked at again: those that changed, and those compared with them."""
        if changes.mask_count > _BULK:
            self._judge.forget(changes.planes)
            for cell_id, keys in (*changes.places.items(), *changes.seen.items()):
                self._cells[cell_id] = self._cells.get(cell_id, frozenset()) | keys
        else:
            self._note_all(changes)
        for mother in changes.lineage:
            family = {mother, *self._daughters.pop(mother, ())}
            daughters = self._document.lineage.daughters(mother)
            if daughters is not None:
                self._daughters[mother] = daughters
            for cell_id in family.union(daughters or ()):
                self._note_ends(cell_id)

    def work(self, most: int) -> bool:
        """Work out about ``most`` masks; whether that was all."""
        for _ in range(most):
            if not self._todo and not self._passed and self._cells:
                cell_id, gone = self._cells.popitem()
                keys = gone.union(self._document.track(cell_id))
                self._todo.update(dict.fromkeys((cell_id, key) for key in sorted(keys)))
            if self._todo:
                self._look_at(_first(self._todo))
            elif self._passed:
                self._pass_on(_first(self._passed))
        return not self.pending

    def _note_all(self, changes: ChangeSet) -> None:
        crowded: set[PlaneKey] = set()
        for key in changes.planes:
            self._note_ends_beside(key)
            self._note_contacts(key, set(changes.on(key)))
            crowded |= self._judge.crowded(key)
        for key in crowded:
            self._todo.update(dict.fromkeys((cell_id, key) for cell_id in self._document.cells_on(key)))
        for places in (changes.places, changes.seen):
            for cell_id, keys in places.items():
                for key in keys:
                    self._note(cell_id, key)

    def _note(self, cell_id: int, key: PlaneKey) -> None:
        self._todo[cell_id, key] = None
        next_one = beside(self._document, cell_id, key, 1)
        second = None if next_one is None else beside(self._document, cell_id, next_one, 1)
        for near in (beside(self._document, cell_id, key, -1), next_one, second):
            if near is not None:
                self._todo[cell_id, near] = None
        mother, daughters = self._document.lineage.mother(cell_id), self._daughters.get(cell_id)
        for relative in (*(daughters or ()), *(self._daughters.get(mother, ()) if mother else ())):
            self._note_ends(relative)

    def _note_ends(self, cell_id: int) -> None:
        span = self._document.span(cell_id)
        if span is not None:
            ends = (key for key in self._document.track(cell_id) if key.t in span)
            self._todo.update(dict.fromkeys((cell_id, key) for key in ends))

    def _note_ends_beside(self, key: PlaneKey) -> None:
        """Whether a cell ends where others go on depends on how many there are on the next frame."""
        for step, end in ((-1, 1), (1, 0)):
            near = key._replace(t=key.t + step)
            for cell_id in self._document.cells_on(near):
                span = self._document.span(cell_id)
                if span is not None and span[end] == near.t:
                    self._todo[cell_id, near] = None

    def _note_contacts(self, key: PlaneKey, changed: set[int]) -> None:
        """What touches a mask that changed is looked at again, and what is compared with it."""
        for cell_id in self._judge.touched(key, changed):
            self._todo[cell_id, key] = None
            next_one = beside(self._document, cell_id, key, 1)
            if next_one is not None:
                self._todo[cell_id, next_one] = None

    # -- one mask ----------------------------------------------------------------------------------

    def _look_at(self, place: Place) -> None:
        cell_id, key = place
        record = self._document.record(cell_id, key)
        if record is None:
            self._judge.gone(place)
        if record is None or not self._judge.is_judged(cell_id, key, record):
            self._own.pop(place, None)
        else:
            self._own[place] = self._judge.judge(cell_id, key, record)
        self._pass_on(place)

    def _pass_on(self, place: Place) -> None:
        """Bring the score of a mask up to date, and note those that came from it where that matters."""
        cell_id, key = place
        record = self._document.record(cell_id, key)
        old = self._lines.pop(place, None)
        self._score.pop(place, None)
        self.doubts.pop(place, None)
        own = self._own.get(place)
        line = None
        if own is not None:
            line = self._lines[place] = self._judged(place, own)
        elif record is not None and not self._judge.is_judged(cell_id, key, record):
            line = self._lines[place] = _Line(0.0, False, self._judge.start(cell_id, key))
        same = old is line if old is None or line is None else line.is_like(old)
        if not same:
            came_from_here = after(self._document, cell_id, key)
            self._passed.update(dict.fromkeys(near for near in came_from_here if near in self._lines))

    def _judged(self, place: Place, own: Own) -> _Line:
        """Score a mask, and say so where it is doubtful."""
        came_from = before(self._document, *place)
        earlier = self._lines.get(came_from) if came_from is not None else None
        origin = own.start if earlier is None else earlier.origin
        origin = origin.carried() if own.carried else origin
        signs = (*own.signs, *by_origin(own.start.fullness, own.start.smaller, origin))
        estimate = likely(signs)
        handed = 0.0 if earlier is None else _HANDED_ON * earlier.wrong
        whole, mask = odd.together((estimate, own.all)), odd.together((estimate, own.mask))
        self._score[place] = max(whole, mask, handed)
        goes_on = earlier is not None and earlier.doubtful and own.all < DOUBTFUL
        if own.proposed or (whole >= DOUBTFUL and not goes_on):
            said = _reasons(own.oddities, signs)
            if earlier is not None and came_from in self.doubts:
                said = (*said, f"carried on from frame {came_from[1].t + 1}, which is doubtful")
            self.doubts[place] = Doubt(*place, self._score[place], said or ("several small oddities",))
        return _Line(max(mask, handed), whole >= DOUBTFUL, origin)


def _first(places: dict[Place, None]) -> Place:
    place = next(iter(places))
    del places[place]
    return place


def _reasons(oddities: tuple[Oddity, ...], signs: tuple[Sign, ...]) -> tuple[str, ...]:
    """What to say, the weightiest first; each thing once."""
    said: dict[str, float] = {}
    for oddity in (*oddities, *(sign.oddity for sign in signs)):
        if oddity.probability >= odd.WORTH_SAYING:
            said[oddity.words] = max(oddity.probability, said.get(oddity.words, 0.0))
    return tuple(sorted(said, key=lambda words: -said[words]))
