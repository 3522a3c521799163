"""One movie on its way to the truth: what is wrong, what the curator does about it, and in which order."""

from __future__ import annotations

from benchmarks.curator import RIGHT, Hand
from cellsam_desktop.analysis.review import Review
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Source
from cellsam_desktop.core.track_edits import is_proposed


class Course:
    """One movie on its way to the truth. ``cells`` are the curator's cells by true label."""

    def __init__(self, hand: Hand) -> None:
        self.hand, self.truth = hand, hand.truth
        self.cells: dict[int, int] = {}
        self.looked = 0
        self.unseen = 0

    # -- what is wrong -----------------------------------------------------------------------------

    def identities(self) -> dict[int, int]:
        """The true label of every cell that has one; daughters of a right division are known by overlap."""
        document, known = self.hand.document, {cell: label for label, cell in self.cells.items()}
        for mother, pair in document.lineage.divisions():
            label = known.get(mother)
            true = self.truth.daughters.get(label) if label is not None else None
            spans = [document.span(cell) for cell in pair]
            if true is None or any(span is None or span[0] != self.truth.start(true[0]) for span in spans):
                continue
            masks = self.truth.masks[self.truth.start(true[0])]
            records = [document.record(cell, PlaneKey(self.truth.start(true[0]))) for cell in pair]
            ious = [[0.0 if r is None else r.mask.iou(masks[label]) for label in true] for r in records]
            order = true if ious[0][0] + ious[1][1] >= ious[0][1] + ious[1][0] else true[::-1]
            for cell, daughter in zip(pair, order, strict=True):
                known.setdefault(cell, daughter)
        return known

    def wrong(self, t: int) -> set[int]:
        """Cells with a wrong mask on a frame; 0 stands for a true cell without a mask."""
        document, key, names = self.hand.document, PlaneKey(t), self.identities()
        found = set()
        for cell in document.cells_on(key):
            record, true = document.record(cell, key), self.truth.masks[t].get(names.get(cell, 0))
            if true is None or record is None or record.mask.iou(true) < RIGHT:
                found.add(cell)
        here = {names.get(cell) for cell in document.cells_on(key)}
        return found | ({0} if self.truth.masks[t].keys() - here else set())

    # -- mending -----------------------------------------------------------------------------------

    def mend(self, t: int, selected: int | None = None) -> None:
        """Make one frame right, those before it being so."""
        for mother in sorted(self.truth.daughters):
            pair = self.truth.daughters[mother]
            if self.truth.start(pair[0]) == t and self._cell_of(mother) is not None:
                self._mend_division(mother, pair, t)
        for cell in list(self.hand.document.cells_on(PlaneKey(t))):
            self._drop_stranger(cell, t)
        for label, mask in self.truth.masks[t].items():
            own = self._cell_of(label)  # None for one that begins here
            record = None if own is None else self.hand.document.record(own, PlaneKey(t))
            if record is None or record.mask.iou(mask) < RIGHT:
                self.cells[label] = self.hand.make(t, mask, own, selected=own == selected)

    def _cell_of(self, label: int) -> int | None:
        if label not in self.cells:
            found = {name: cell for cell, name in self.identities().items()}
            if label in found:
                self.cells[label] = found[label]
        return self.cells.get(label)

    def _drop_stranger(self, cell: int, t: int) -> None:
        """Take away what is no true cell here: a false division, or a cell that has ended."""
        document = self.hand.document
        if cell not in document or document.record(cell, PlaneKey(t)) is None:
            return
        label, mother = self.identities().get(cell), document.lineage.mother(cell)
        if label is not None and label in self.truth.masks[t]:
            return
        if label is None and mother is not None:
            self.hand.refuse_division(mother, t)
        else:
            self.hand.delete_from(cell, t)

    def _mend_division(self, mother: int, pair: tuple[int, int], t: int) -> None:
        hand, document = self.hand, self.hand.document
        cell, masks = self.cells[mother], self.truth.masks[t]
        if document.lineage.daughters(cell) is not None:
            begins = [span[0] for i in document.lineage.daughters(cell) or () if (span := document.span(i))]
            if begins == [t, t]:
                if is_proposed(document, cell):
                    hand.accept_division(cell)
                for label in pair:
                    self._cell_of(label)
                return
            if begins and min(begins) <= t:
                hand.refuse_division(cell, t)
        if document.record(cell, PlaneKey(t)) is None:
            self.cells |= {label: hand.make(t, masks[label]) for label in pair}
            hand.divide(cell, (self.cells[pair[0]], self.cells[pair[1]]))
        else:
            self._divide_what_runs_on(cell, pair, t)

    def _divide_what_runs_on(self, cell: int, pair: tuple[int, int], t: int) -> None:
        """The mother has a mask where her daughters should be: cut it, or take it for one of them."""
        hand, masks = self.hand, self.truth.masks[t]
        record = hand.document.record(cell, PlaneKey(t))
        assert record is not None
        kept = max(pair, key=lambda label: record.mask.iou(masks[label]))
        other = pair[0] if kept == pair[1] else pair[1]
        new = hand.split(cell, t, masks[kept], masks[other])
        self.cells[other] = hand.make(t, masks[other]) if new is None else new
        self.cells[kept] = hand.divide_here(cell, self.cells[other], t)

    # -- the whole movie -----------------------------------------------------------------------------

    def by_hand(self) -> None:
        """Frame by frame, without propagation."""
        for t in range(len(self.truth.frames)):
            self.mend(t)

    def first_pass(self) -> None:
        """The first frame, and everything carried on from it."""
        self.mend(0)
        self.hand.propagate(0)

    def follow_queue(self) -> None:
        """Mend what the queue shows, until it shows nothing wrong."""
        done: set[tuple[int, PlaneKey, int]] = set()
        while True:
            fresh = [d for d in self._review().ranked() if self._place(d.cell_id, d.key) not in done]
            wrong = None
            for doubt in fresh:
                self.looked += 1
                done.add(self._place(doubt.cell_id, doubt.key))
                if self._went_wrong(doubt.cell_id, doubt.key.t):
                    wrong = doubt
                    break
                self._accept_division_of(doubt.cell_id)
            if wrong is None:
                return
            t = next(t for t in range(wrong.key.t + 2) if self.wrong(t))
            self._mend_and_carry_on(t, wrong.cell_id)

    def _accept_division_of(self, daughter: int) -> None:
        document, mother = self.hand.document, self.hand.document.lineage.mother(daughter)
        if mother is not None and is_proposed(document, mother):
            self.hand.accept_division(mother)

    def finish(self) -> None:
        """Look through all frames for what the queue did not show."""
        for t in range(len(self.truth.frames)):
            if self.wrong(t) or self._unjoined(t):
                self.unseen += 1
                self._mend_and_carry_on(t, None)

    def exact(self) -> bool:
        """Whether every mask is right and the lineage is the true one."""
        names = self.identities()
        found = {
            names.get(mother): {names.get(cell) for cell in pair}
            for mother, pair in self.hand.document.lineage.divisions()
        }
        true = {mother: set(pair) for mother, pair in self.truth.daughters.items()}
        return found == true and not any(self.wrong(t) for t in range(len(self.truth.frames)))

    def _mend_and_carry_on(self, t: int, selected: int | None) -> None:
        self.mend(t, selected)
        if t + 1 < len(self.truth.frames) and any(
            self.wrong(after) for after in range(t + 1, len(self.truth.frames))
        ):
            self.hand.propagate(t)

    def _unjoined(self, t: int) -> bool:
        """Whether a true division on a frame is a proposal still, or missing."""
        document = self.hand.document
        for mother, pair in self.truth.daughters.items():
            cell = self._cell_of(mother)
            if self.truth.start(pair[0]) != t or cell is None:
                continue
            if document.lineage.daughters(cell) is None or is_proposed(document, cell):
                return True
        return False

    def _went_wrong(self, cell: int, t: int) -> bool:
        """Whether a cell or an ancestor has a wrong mask up to a frame, or ends there too early."""
        document, names = self.hand.document, self.identities()
        line, own = [cell], document.lineage.mother(cell)
        while own is not None:
            line.append(own)
            own = document.lineage.mother(own)
        for one in line:
            for key, record in document.track(one).items():
                true = self.truth.masks[key.t].get(names.get(one, 0))
                if key.t <= t and (true is None or record.mask.iou(true) < RIGHT):
                    return True
        return self._ended_early(cell, t)

    def _ended_early(self, cell: int, t: int) -> bool:
        """Whether a cell ends on a frame, and the true cell goes on or divides."""
        document, label = self.hand.document, self.identities().get(cell)
        span = document.span(cell)
        if label is None or span is None or span[1] != t or t + 1 >= len(self.truth.frames):
            return False
        missing = label in self.truth.masks[t + 1] and document.record(cell, PlaneKey(t + 1)) is None
        undivided = label in self.truth.daughters and document.lineage.daughters(cell) is None
        return missing or undivided

    def _review(self) -> Review:
        plane = self.truth.frames[0].image.shape
        review = Review(self.hand.document, len(self.truth.frames), plane[0], plane[1])
        while not review.work(1000):
            continue
        return review

    def _place(self, cell: int, key: PlaneKey) -> tuple[int, PlaneKey, int]:
        record = self.hand.document.record(cell, key)
        return cell, key, 0 if record is None else hash((record.mask.y0, record.mask.x0, record.mask.packed))

    def _drawn_right(self, cell: int, key: PlaneKey) -> bool:
        record = self.hand.document.record(cell, key)
        assert record is not None
        return any(record.mask.iou(true) >= RIGHT for true in self.truth.masks[key.t].values())

    def first_tenth(self) -> dict[str, float]:
        """How well the queue sorts what propagation made: wrong are masks that are no true cell's."""
        document, review = self.hand.document, self._review()
        made = [
            (review.score(cell, key), cell, key)
            for cell in document.cell_ids
            for key, record in document.track(cell).items()
            if record.source is Source.PROPAGATED
        ]
        wrong = {(cell, key) for _, cell, key in made if not self._drawn_right(cell, key)}
        first = sorted(made, key=lambda one: -one[0])[: max(1, round(len(made) / 10))]
        hits = sum((cell, key) in wrong for _, cell, key in first)
        most = min(len(first), len(wrong))
        return {
            "propagated": len(made),
            "wrong": len(wrong),
            "in_first_tenth": hits,
            "possible": most,
            "share": hits / len(wrong) if wrong else 1.0,
        }
