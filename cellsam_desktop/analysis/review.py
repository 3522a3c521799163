"""Which masks a curator should look at first, kept up to date mask by mask."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass

from cellsam_desktop.analysis import doubts as odd
from cellsam_desktop.analysis.contacts import Contacts
from cellsam_desktop.analysis.doubts import Facts, Oddity
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import Place, PlaneKey
from cellsam_desktop.core.records import MaskRecord, Source
from cellsam_desktop.core.track_edits import is_proposed

_Jumps = tuple[Oddity, ...]

DOUBTFUL = 0.5
"""A mask that is wrong with less probability is not doubtful."""

_MACHINE_MADE = (Source.PROPAGATED, Source.IMPORTED)
_HANDED_ON = 0.93  # a wrong mask makes the ones carried on from it wrong
_BLAME = 0.5  # share of a jump that is held against the mask before it
_ENDS = 0.55
_PROPOSED = Oddity(0.7, "a proposed division, to accept or to refuse")
_GAP = 3  # so many frames apart, masks of a cell are still compared
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
class _Own:
    """What is odd about one mask by itself. ``mask`` is handed on to the next one, ``all`` is not."""

    mask: float
    all: float
    reasons: tuple[str, ...]


class Review:
    """Scores the masks of a document that no person made or saw, on planes of (height, width).

    ``update`` notes what changed; ``work`` does it, in pieces as large as one likes. ``doubts`` are the
    masks with a score of at least ``DOUBTFUL``. ``scored`` counts the masks compared with the one before.
    """

    def __init__(self, document: Document, frames: int, height: int, width: int) -> None:
        self._document = document
        self._frames, self._height, self._width = frames, height, width
        self._todo: dict[Place, None] = {}
        self._own: dict[Place, _Own] = {}
        self._score: dict[Place, float] = {}
        self._chain: dict[Place, float] = {}
        self._jumped: dict[Place, tuple[tuple[MaskRecord, ...], _Jumps]] = {}
        self._facts: dict[Place, tuple[MaskRecord, Facts]] = {}
        self._contacts: dict[PlaneKey, Contacts] = {}
        self._daughters: dict[int, tuple[int, int]] = {}
        self.doubts: dict[Place, Doubt] = {}
        self.scored = 0
        for mother, daughters in document.lineage.divisions():
            self._daughters[mother] = daughters
        self._cells: dict[int, frozenset[PlaneKey]] = dict.fromkeys(document.cell_ids, frozenset())

    # -- reading -----------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """How many masks, and whole cells, are still to be worked out."""
        return len(self._todo) + len(self._cells)

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
            for key in changes.planes:
                self._contacts.pop(key, None)
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
            if not self._todo and self._cells:
                cell_id, gone = self._cells.popitem()
                keys = gone.union(self._document.track(cell_id))
                self._todo.update(dict.fromkeys((cell_id, key) for key in sorted(keys)))
            if self._todo:
                place = next(iter(self._todo))
                del self._todo[place]
                self._look_at(place)
        return not self.pending

    def _note_all(self, changes: ChangeSet) -> None:
        for key in changes.planes:
            self._note_ends_beside(key)
            self._note_contacts(key, set(changes.on(key)))
        for places in (changes.places, changes.seen):
            for cell_id, keys in places.items():
                for key in keys:
                    self._note(cell_id, key)

    def _note(self, cell_id: int, key: PlaneKey) -> None:
        self._todo[cell_id, key] = None
        after = self._beside(cell_id, key, 1)
        second = None if after is None else self._beside(cell_id, after, 1)
        for near in (self._beside(cell_id, key, -1), after, second):
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
        known = self._contacts.get(key)
        if known is None:
            return  # nobody has asked
        self._contacts[key], beside = known.after(changed)
        for cell_id in beside:
            self._todo[cell_id, key] = None
            after = self._beside(cell_id, key, 1)
            if after is not None:
                self._todo[cell_id, after] = None

    # -- one mask ----------------------------------------------------------------------------------

    def _look_at(self, place: Place) -> None:
        cell_id, key = place
        record = self._document.record(cell_id, key)
        if record is None or not self._is_judged(cell_id, key, record):
            self._own.pop(place, None)
        else:
            self._own[place] = self._judge(cell_id, key, record)
        if record is None:
            self._facts.pop(place, None)
        self._hand_on(cell_id, key)

    def _judge(self, cell_id: int, key: PlaneKey, record: MaskRecord) -> _Own:
        jumps = self._jumps(cell_id, key, record)
        jump = odd.jump_of(jumps)
        said_of_it = odd.by_estimate(record.predicted_iou), odd.by_agreement(record.agreement)
        apart = [*said_of_it, self._new_contact(cell_id, key), self._next_jump(cell_id, key)]
        born, ends = self._division(cell_id, key), list(self._ends(cell_id, key))
        told = [] if self._is_second(cell_id) else born  # a division is one doubt, not two
        odd_birth = max((oddity.probability for oddity in born if oddity is not _PROPOSED), default=0.0)
        mask = odd.together((jump, odd_birth, *(oddity.probability for oddity in apart)))
        whole = odd.together((jump, *(oddity.probability for oddity in (*apart, *told, *ends))))
        said = sorted((*jumps, *apart, *told, *ends), key=lambda oddity: -oddity.probability)
        return _Own(mask, whole, tuple(o.words for o in said if o.probability >= odd.WORTH_SAYING))

    def _is_second(self, cell_id: int) -> bool:
        mother = self._document.lineage.mother(cell_id)
        daughters = None if mother is None else self._document.lineage.daughters(mother)
        return daughters is not None and cell_id == daughters[1]

    def _jumps(self, cell_id: int, key: PlaneKey, record: MaskRecord) -> _Jumps:
        """What changed since the mask before: area, place and shape. Worked out once."""
        before_key = self._beside(cell_id, key, -1)
        if before_key is None:
            return ()
        earlier_key = self._beside(cell_id, before_key, -1)
        places = (key, before_key, *((earlier_key,) if earlier_key is not None else ()))
        records = tuple(self._document.track(cell_id)[at] for at in places)
        known = self._jumped.get((cell_id, key))
        if known is not None and len(known[0]) == len(records) and all(map(operator.is_, known[0], records)):
            return known[1]
        self.scored += 1
        facts = [self._measure(cell_id, at) for at in places]
        mask, *past = (one.mask for one in records)
        jumps = (
            odd.by_area(facts[0], facts[1:]),
            odd.by_way(facts[0], facts[1:]),
            odd.by_shape(mask, past, facts),
        )
        self._jumped[cell_id, key] = records, jumps
        return jumps

    def _next_jump(self, cell_id: int, key: PlaneKey) -> Oddity:
        """Of two masks between which something jumps either may be wrong, unless somebody saw it."""
        after = self._beside(cell_id, key, 1)
        record = None if after is None else self._document.record(cell_id, after)
        if after is None or record is None or self._document.is_seen(cell_id, after):
            return odd.NOTHING
        p = _BLAME * odd.jump_of(self._jumps(cell_id, after, record))
        return Oddity(p, f"does not go with frame {after.t + 1}")

    def _is_judged(self, cell_id: int, key: PlaneKey, record: MaskRecord) -> bool:
        """Whether no person has made or seen the mask."""
        return record.source in _MACHINE_MADE and not self._document.is_seen(cell_id, key)

    def _ends(self, cell_id: int, key: PlaneKey) -> Iterator[Oddity]:
        """A cell begins or ends inside the image, where most others go on."""
        document = self._document
        span = document.span(cell_id)
        if span is None or key.t not in span or self._measure(cell_id, key).cut:
            return
        lineage, most = document.lineage, document.count_on(key) / 2
        after, before = (document.count_on(key._replace(t=key.t + step)) for step in (1, -1))
        if key.t == span[1] < self._frames - 1 and after >= most and lineage.daughters(cell_id) is None:
            yield Oddity(_ENDS, "ends here, inside the image")
        if key.t == span[0] > 0 and before >= most and lineage.mother(cell_id) is None:
            yield Oddity(_ENDS, "begins here, inside the image")

    def _division(self, cell_id: int, key: PlaneKey) -> list[Oddity]:
        """What is odd about the division that a cell begins with, on its first mask."""
        document = self._document
        mother, span = document.lineage.mother(cell_id), document.span(cell_id)
        if mother is None or span is None or key.t != span[0]:
            return []
        daughters = document.lineage.daughters(mother)
        if daughters is None:
            return []
        found = [_PROPOSED] if is_proposed(document, mother) else []
        ends = (self._end(mother, 1, key.z), *(self._end(i, 0, key.z) for i in daughters))
        measured = [self._measure(i, at) for i, at in zip((mother, *daughters), ends, strict=True) if at]
        if len(measured) == len(ends):
            born = document.span(mother) if document.lineage.mother(mother) is not None else None
            lived = None if born is None else span[0] - born[0]
            found += odd.by_division(measured[0], measured[1], measured[2], lived)
        return found

    def _hand_on(self, cell_id: int, key: PlaneKey) -> None:
        """Bring the scores of a mask and of those that came from it up to date, as far as they change."""
        waiting = [(cell_id, key)]
        while waiting:
            place = waiting.pop()
            own, before = self._own.get(place), self._before(*place)
            handed = _HANDED_ON * self._chain.get(before, 0.0) if own and before else 0.0
            chain = max(own.mask, handed) if own else 0.0
            changed = abs(chain - self._chain.get(place, 0.0)) > _SAME
            if own is None:
                self._chain.pop(place, None)
                self._score.pop(place, None)
                self.doubts.pop(place, None)
            else:
                self._chain[place] = chain
                self._put(place, own, handed, before)
            if changed:
                waiting += self._after(*place)

    def _put(self, place: Place, own: _Own, handed: float, before: Place | None) -> None:
        self._score[place] = score = max(own.all, handed)
        if own.all < DOUBTFUL:
            self.doubts.pop(place, None)
            return
        reasons = own.reasons
        if before is not None and before in self.doubts:
            reasons = (*reasons, f"carried on from frame {before[1].t + 1}, which is doubtful")
        self.doubts[place] = Doubt(*place, score, reasons or ("several small oddities",))

    def _before(self, cell_id: int, key: PlaneKey) -> Place | None:
        """The mask that this one was carried on from: of the cell, or else of its mother."""
        before = self._beside(cell_id, key, -1)
        if before is not None:
            return cell_id, before
        mother = self._document.lineage.mother(cell_id)
        end = self._end(mother, 1, key.z) if mother is not None else None
        return None if mother is None or end is None else (mother, end)

    def _after(self, cell_id: int, key: PlaneKey) -> list[Place]:
        """The masks that were carried on from this one."""
        after = self._beside(cell_id, key, 1)
        if after is not None:
            return [(cell_id, after)]
        daughters = self._document.lineage.daughters(cell_id) or ()
        return [(i, end) for i in daughters if (end := self._end(i, 0, key.z)) is not None]

    # -- measuring ---------------------------------------------------------------------------------

    def _beside(self, cell_id: int, key: PlaneKey, step: int) -> PlaneKey | None:
        """The nearest plane with a mask of the cell before (-1) or after (+1) this one, if near enough."""
        track = self._document.track(cell_id)
        places = (PlaneKey(key.t + step * distance, key.z) for distance in range(1, _GAP + 1))
        return next((place for place in places if place in track), None)

    def _end(self, cell_id: int, end: int, z: int) -> PlaneKey | None:
        """The first (0) or last (1) plane of a cell, if it has a mask at that z position there."""
        span = self._document.span(cell_id)
        place = PlaneKey(span[end], z) if span is not None else None
        return place if place is not None and place in self._document.track(cell_id) else None

    def _measure(self, cell_id: int, key: PlaneKey) -> Facts:
        record = self._document.track(cell_id)[key]
        known = self._facts.get((cell_id, key))
        if known is None or known[0] is not record:
            known = self._facts[cell_id, key] = record, odd.facts_of(record.mask, self._height, self._width)
        return known[1]

    def _new_contact(self, cell_id: int, key: PlaneKey) -> Oddity:
        before = self._beside(cell_id, key, -1)
        if before is None:
            return odd.NOTHING
        return odd.by_contact(self._contact(cell_id, key), self._contact(cell_id, before))

    def _contact(self, cell_id: int, key: PlaneKey) -> float:
        if key not in self._contacts:
            self._contacts[key] = Contacts(self._document, key)
        return self._contacts[key].of(cell_id)
