"""A curator who knows the truth and does one thing at a time. Every action is counted.

The hand works on a document with the functions that the window's keys and clicks call, and asks the real
model. What she looks at costs nothing; what she does costs one action each:

- ``select`` a cell that is to be corrected or continued, ``click``, ``choose`` the next candidate,
  ``box`` where no candidate is right, ``correct`` with a click more, ``draw`` what the model cannot find,
  ``accept``;
- ``propagate`` to the end, ``split`` a mask in two, ``divide``, ``accept division``, ``refuse division``,
  ``delete`` from here on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from benchmarks.clicks import interior_point, tight_box
from benchmarks.curation_truth import Truth
from cellsam_desktop.analysis.candidates import Option
from cellsam_desktop.analysis.carried import Carried
from cellsam_desktop.analysis.knowledge import CellFacts, Knowledge, facts_of, previous_for
from cellsam_desktop.analysis.looking import propose
from cellsam_desktop.analysis.propagation import carry, looks_needed
from cellsam_desktop.core import track_edits
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, Edit, SetMask
from cellsam_desktop.core.geometry import PlaneKey, Region
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.core.shapes import cut_by_spots
from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.curation.propagation_edits import going_on, newly_proposed, outcome, recent, survey
from cellsam_desktop.sam.crops import looks_for

RIGHT = 0.7
"""A mask with at least this IoU with the truth needs no action."""

_CORRECTIONS = 3
_LEARNT = 64


class Hand:
    """Actions on one movie; ``actions`` counts them by kind, ``never`` remembers refused divisions."""

    def __init__(self, model: HeadlessModel, truth: Truth) -> None:
        self.document = Document()
        self.history = History(self.document)
        self.actions: Counter[str] = Counter()
        self.truth = truth
        self.never: dict[int, int] = {}
        self.model = model
        self._plane = Region.whole(*truth.frames[0].image.shape[:2])
        self._facts: list[CellFacts] = []

    # -- masks -------------------------------------------------------------------------------------

    def make(self, t: int, wanted: Mask, cell_id: int | None = None, *, selected: bool = False) -> int:
        """Click, choose, correct, box or draw until the mask is right, and accept it; the cell's id."""
        if cell_id is not None and not selected:
            self.actions["select"] += 1
        mask, source, quality = self._find(t, wanted, cell_id)
        self.actions["accept"] += 1
        edits: list[Edit] = []
        if cell_id is None:
            cell_id = self.document.next_id
            edits.append(AddCell(Cell(cell_id)))
        self.do([*edits, SetMask(cell_id, PlaneKey(t), MaskRecord(mask, source, quality))])
        self._facts = [*self._facts, facts_of(mask)][-_LEARNT:]
        return cell_id

    def _find(self, t: int, wanted: Mask, cell_id: int | None) -> tuple[Mask, Source, float | None]:
        prompts, refined = interior_point(wanted), None
        for kind in ("click", "box", *["correct"] * _CORRECTIONS):
            self.actions[kind] += 1
            if kind == "box":
                prompts, refined = tight_box(wanted), None
            offered = self._offers(t, prompts, cell_id, refined)
            for number, option in enumerate(offered):
                if option.mask is not None and option.mask.iou(wanted) >= RIGHT:
                    self.actions["choose"] += number
                    source = Source.CLICK if kind == "click" else Source.BOX
                    return option.mask, source, option.predicted_iou
            refined = offered[0]
            prompts = Prompts((*prompts.points, _correction(refined.mask, wanted)), prompts.box)
        self.actions["draw"] += 1
        return wanted, Source.LASSO, None

    def _offers(
        self, t: int, prompts: Prompts, cell_id: int | None, refined: Option | None
    ) -> tuple[Option, ...]:
        """What the window offers: three candidates for one click, one mask for more."""
        image, model = self.truth.frames[t].image, self.model
        if refined is not None:
            look = model.look(image, refined.geometry.region)
            return propose(model.decoder, [look], prompts, refined.logits)[:1]
        knowledge = self._knowledge(t, prompts, cell_id)
        looks = [model.look(image, region) for region in looks_for(self._plane, prompts, knowledge.diameter)]
        return propose(model.decoder, looks, prompts, None, knowledge)[: 1 if prompts.box else None]

    def _knowledge(self, t: int, prompts: Prompts, cell_id: int | None) -> Knowledge:
        key = PlaneKey(t)
        others = (self.document.record(i, key) for i in self.document.cells_on(key) if i != cell_id)
        before = None if cell_id is None else self.document.record(cell_id, PlaneKey(t - 1))
        previous = previous_for(prompts, before.mask if before else None)
        return Knowledge(self._facts, [r.mask for r in others if r], previous)

    # -- tracks ------------------------------------------------------------------------------------

    def propagate(self, start: int) -> None:
        """Carry all cells of a frame to the end, as Shift+T does when none is selected."""
        self.actions["propagate"] += 1
        cells = tuple(self.document.cells_on(PlaneKey(start)))
        carried: dict[int, Carried] = {}
        last = len(self.truth.frames) - 1
        for t in range(start + 1, last + 1):
            source, target = PlaneKey(t - 1), PlaneKey(t)
            todo = survey(self.document, cells, source, target)
            asked = [carried.get(i) or self._known(i, source) for i in todo.carry]
            image, before = self.truth.frames[t].image, self.truth.frames[t - 1].image
            given = [cell for cell in asked if cell is not None]
            young = [one.young() for one in newly_proposed(self.document, todo, source, target)]
            looks = {r: self.model.look(image, r) for r in looks_needed(self._plane, given)}
            found = carry(
                self.model.decoder,
                looks,
                given,
                plane=self._plane,
                fixed=todo.fixed,
                image=image,
                previous_image=before,
                young=young,
            )
            never = frozenset(i for i, refused in self.never.items() if refused == t)
            ahead = range(t + 1, last + 1)
            step = outcome(self.document, found, target, decoder="", ahead=ahead, never=never)
            self.do(step.edits)
            by_id = {cell.cell_id: cell for cell in (*given, *(one.mother for one in young))}
            carried = {placed.cell_id: by_id[placed.cell_id].then(placed) for placed in step.placed}
            cells = going_on(todo, step)

    def _known(self, cell_id: int, source: PlaneKey) -> Carried | None:
        past = recent(self.document, cell_id, source, 1)
        return None if past is None else past.carried()

    def delete_from(self, cell_id: int, t: int) -> None:
        """Delete a cell's masks from a frame on."""
        self.actions["delete"] += 1
        self.do(track_edits.delete_from_here(self.document, [cell_id], t))

    def split(self, cell_id: int, t: int, one: Mask, other: Mask) -> int | None:
        """Cut a mask in two with a click on each part; the new cell's id, None if the parts are not right."""
        record = self.document.record(cell_id, PlaneKey(t))
        parts = None if record is None else cut_by_spots(record.mask, one.centroid, other.centroid)
        if parts is None or parts[0].iou(one) < RIGHT or parts[1].iou(other) < RIGHT:
            return None
        self.actions["select"] += 1
        self.actions["split"] += 1
        new = self.document.next_id
        self.do(track_edits.split_mask(self.document, cell_id, PlaneKey(t), parts))
        return new

    def divide(self, mother: int, daughters: tuple[int, int]) -> None:
        """Join a mother that has ended to two daughters."""
        self.actions["divide"] += 1
        self.do(track_edits.divide(self.document, mother, daughters, force=True))

    def divide_here(self, mother: int, other: int, t: int) -> int:
        """The cell divides at ``t``, where it runs on; the id of the daughter that it becomes."""
        self.actions["divide"] += 1
        self.do(track_edits.divide_here(self.document, mother, other, t, force=True))
        pair = self.document.lineage.daughters(mother)
        assert pair is not None
        return pair[0] if pair[1] == other else pair[1]

    def accept_division(self, mother: int) -> None:
        """A proposed division is right."""
        self.actions["accept division"] += 1
        self.do(track_edits.accept_division(self.document, mother))

    def refuse_division(self, mother: int, t: int) -> None:
        """A proposed division is wrong: the mother goes on with both masks."""
        self.actions["refuse division"] += 1
        self.never[mother] = t
        self.do(track_edits.refuse_division(self.document, mother, force=True))

    def do(self, edits: Iterable[Edit]) -> None:
        """One transaction."""
        edits = list(edits)
        if edits:
            self.history.commit("", edits)


def _correction(found: Mask | None, wanted: Mask) -> Point:
    """A click in the middle of the largest error: on what is missing, or a negative one on excess."""
    if found is None:
        return interior_point(wanted).points[0]
    y0, x0 = min(found.y0, wanted.y0), min(found.x0, wanted.x0)
    both = Region(
        y0,
        x0,
        max(found.y0 + found.height, wanted.y0 + wanted.height) - y0,
        max(found.x0 + found.width, wanted.x0 + wanted.width) - x0,
    )
    has, needs = found.crop(both), wanted.crop(both)
    missing, extra = Mask.from_array(needs & ~has), Mask.from_array(has & ~needs)
    positive = extra is None or (missing is not None and missing.area >= extra.area)
    error = missing if positive else extra
    assert error is not None
    point = interior_point(error).points[0]
    return Point(point.x + x0, point.y + y0, positive)
