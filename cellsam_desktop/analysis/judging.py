"""What is odd about one mask, compared with those before, after and beside it; what was measured is kept."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from cellsam_desktop.analysis import doubts as odd
from cellsam_desktop.analysis.along import beside, end_of
from cellsam_desktop.analysis.contacts import Contacts
from cellsam_desktop.analysis.crowd import Crowd, Way
from cellsam_desktop.analysis.doubts import Facts, Oddity
from cellsam_desktop.analysis.signs import Origin, Sign, by_model
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import Place, PlaneKey
from cellsam_desktop.core.records import MaskRecord, Source
from cellsam_desktop.core.track_edits import is_proposed

MACHINE_MADE = (Source.PROPAGATED, Source.IMPORTED)

_BLAME = 0.1  # share of a jump that is held against the mask before it
_ENDS = 0.55
_PROPOSED = Oddity(0.25, "a proposed division, to accept or to refuse")

_Jumps = tuple[Oddity, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """What is odd about one mask by itself. ``mask`` is handed on to the next one, ``all`` is not.

    ``start`` is the mask as an origin of others; ``signs`` are what the decoder said of it. ``proposed``
    tells that a division to accept or refuse begins here.
    """

    mask: float
    all: float
    oddities: tuple[Oddity, ...]
    signs: tuple[Sign, ...]
    start: Origin
    carried: bool
    proposed: bool


class Judge:
    """Compares the masks of a document of some ``frames``, with planes of (height, width).

    ``compared`` counts the masks compared with the ones before.
    """

    def __init__(self, document: Document, frames: int, height: int, width: int) -> None:
        self._document = document
        self._frames, self._height, self._width = frames, height, width
        self._jumped: dict[Place, tuple[tuple[MaskRecord, ...], Way, _Jumps]] = {}
        self._facts: dict[Place, tuple[MaskRecord, Facts]] = {}
        self._contacts: dict[PlaneKey, Contacts] = {}
        self._crowd = Crowd(document, self._measure)
        self.compared = 0

    # -- following ---------------------------------------------------------------------------------

    def forget(self, keys: Iterable[PlaneKey]) -> None:
        """Very much changed on some planes."""
        keys = list(keys)
        self._crowd.forget(keys)
        for key in keys:
            self._contacts.pop(key, None)

    def gone(self, place: Place) -> None:
        """A mask is no more."""
        self._facts.pop(place, None)
        self._jumped.pop(place, None)

    def crowded(self, key: PlaneKey) -> set[PlaneKey]:
        """Masks of a plane changed: the planes whose masks are all compared with something else now."""
        return self._crowd.changed(key)

    def touched(self, key: PlaneKey, changed: Set[int]) -> set[int]:
        """Masks of some cells changed on a plane: the others that touch them, before or now."""
        known = self._contacts.get(key)
        if known is None:
            return set()  # nobody has asked
        self._contacts[key], near = known.after(changed)
        return near

    # -- judging -----------------------------------------------------------------------------------

    def is_judged(self, cell_id: int, key: PlaneKey, record: MaskRecord) -> bool:
        """Whether no person has made or seen the mask."""
        return record.source in MACHINE_MADE and not self._document.is_seen(cell_id, key)

    def start(self, cell_id: int, key: PlaneKey) -> Origin:
        """The mask as one from which others are carried on."""
        facts = self._measure(cell_id, key)
        return Origin(0, facts.fullness, self._crowd.smaller(facts.area, key))

    def judge(self, cell_id: int, key: PlaneKey, record: MaskRecord) -> Own:
        """What is odd about a mask."""
        jumps = self._jumps(cell_id, key, record)
        low = odd.by_estimate(record.predicted_iou), odd.by_agreement(record.agreement)
        apart = [*low, self._new_contact(cell_id, key), self._next_jump(cell_id, key)]
        born, ends = self._division(cell_id, key), list(self._ends(cell_id, key))
        told = [] if self._is_second(cell_id) else born  # a division is one doubt, not two
        odd_birth = max((oddity.probability for oddity in born if oddity is not _PROPOSED), default=0.0)
        jump = odd.jump_of(jumps)
        mask = odd.together((jump, odd_birth, *(oddity.probability for oddity in apart)))
        whole = odd.together((jump, *(oddity.probability for oddity in (*apart, *told, *ends))))
        return Own(
            mask,
            whole,
            (*jumps, *apart, *told, *ends),
            tuple(by_model(record.predicted_iou, record.agreement)),
            self.start(cell_id, key),
            record.source is Source.PROPAGATED,
            _PROPOSED in told,
        )

    def _is_second(self, cell_id: int) -> bool:
        mother = self._document.lineage.mother(cell_id)
        daughters = None if mother is None else self._document.lineage.daughters(mother)
        return daughters is not None and cell_id == daughters[1]

    def _jumps(self, cell_id: int, key: PlaneKey, record: MaskRecord) -> _Jumps:
        """What changed since the mask before: area, place and shape. Worked out once."""
        before = beside(self._document, cell_id, key, -1)
        if before is None:
            return ()
        earlier = beside(self._document, cell_id, before, -1)
        places = (key, before, *((earlier,) if earlier is not None else ()))
        records = tuple(self._document.track(cell_id)[at] for at in places)
        way = self._crowd.way(before, key)
        known = self._jumped.get((cell_id, key))
        if known is not None and known[1] == way and _same(known[0], records):
            return known[2]
        self.compared += 1
        facts = [self._measure(cell_id, at) for at in places]
        mask, *past = (one.mask for one in records)
        jumps = (
            odd.by_area(facts[0], facts[1:]),
            odd.by_way(facts[0], facts[1:], way),
            odd.by_shape(mask, past, facts),
        )
        self._jumped[cell_id, key] = records, way, jumps
        return jumps

    def _next_jump(self, cell_id: int, key: PlaneKey) -> Oddity:
        """Of two masks between which something jumps either may be wrong, unless somebody saw it."""
        after = beside(self._document, cell_id, key, 1)
        record = None if after is None else self._document.record(cell_id, after)
        if after is None or record is None or self._document.is_seen(cell_id, after):
            return odd.NOTHING
        p = _BLAME * odd.jump_of(self._jumps(cell_id, after, record))
        return Oddity(p, f"does not go with frame {after.t + 1}")

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
        ends = [(mother, end_of(document, mother, 1, key.z))]
        ends += [(i, end_of(document, i, 0, key.z)) for i in daughters]
        measured = [self._measure(i, at) for i, at in ends if at is not None]
        if len(measured) == len(ends):
            born = document.span(mother) if document.lineage.mother(mother) is not None else None
            lived = None if born is None else span[0] - born[0]
            found += odd.by_division(measured[0], measured[1], measured[2], lived)
        return found

    # -- measuring ---------------------------------------------------------------------------------

    def _measure(self, cell_id: int, key: PlaneKey) -> Facts:
        record = self._document.track(cell_id)[key]
        known = self._facts.get((cell_id, key))
        if known is None or known[0] is not record:
            known = self._facts[cell_id, key] = record, odd.facts_of(record.mask, self._height, self._width)
        return known[1]

    def _new_contact(self, cell_id: int, key: PlaneKey) -> Oddity:
        before = beside(self._document, cell_id, key, -1)
        if before is None:
            return odd.NOTHING
        return odd.by_contact(self._contact(cell_id, key), self._contact(cell_id, before))

    def _contact(self, cell_id: int, key: PlaneKey) -> float:
        if key not in self._contacts:
            self._contacts[key] = Contacts(self._document, key)
        return self._contacts[key].of(cell_id)


def _same(some: tuple[MaskRecord, ...], others: tuple[MaskRecord, ...]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))
