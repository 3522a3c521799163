"""From prompts to a proposal: clicks, boxes, hover, candidates, refinement, acceptance.

A *draft* is what the curator is pointing at on one plane and has not accepted yet. Each plane keeps its
draft, so that stepping away and back loses no click. Hovering shows what a click would give; it never
becomes a prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.edits import AddCell, Edit, SetMask
from cellsam_desktop.core.geometry import PlaneKey, Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.answering import Answering, Hovering
from cellsam_desktop.curation.draft import Draft, Step
from cellsam_desktop.jobs.decode_request import Proposal

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class Prompting:
    """The draft of the plane on screen and the decoder's answers to it.

    ``changed`` is emitted whenever prompts, proposal or candidate changed, and perhaps the hover with them;
    ``hover_changed`` when only the hover did, up to sixty times a second. ``decode_ms`` are the milliseconds
    that the last mask took.
    """

    changed = Signal()
    hover_changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._drafts: dict[PlaneKey, Draft] = {}
        self._draft = Draft()
        self._key = PlaneKey()
        self._accept_when_ready: bool | None = None
        self.answers = Answering(session, self._on_answer)
        self.hovering = Hovering(session, self._on_hover_answer)
        self.decode_ms: float | None = None
        session.view.changed.connect(self._on_view)
        session.encoding.changed.connect(self._on_encoding)
        session.movie_changed.connect(self._on_movie)
        session.document_changed.connect(self._on_document)
        session.jobs.decoder.missing.connect(self._on_missing)

    @property
    def prompts(self) -> Prompts:
        """The prompts of the draft on this plane."""
        return self._draft.prompts

    @property
    def step(self) -> Step | None:
        """The newest step of the draft on this plane."""
        return self._draft.steps[-1] if self._draft.steps else None

    @property
    def decided(self) -> bool:
        """Whether the curator has chosen among the candidates, so that looking closer is of no use."""
        return self.answers.decided

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """The candidates for the draft, best first; empty while there is no answer."""
        return self.answers.proposals

    @property
    def complete(self) -> bool:
        """Whether all candidates are there, or else only the first answer to the question."""
        return self.answers.complete

    @property
    def candidate(self) -> int:
        """Number of the chosen candidate."""
        return self.answers.candidate

    @property
    def proposal(self) -> Proposal | None:
        """The chosen candidate, or None while there is no answer."""
        return self.answers.proposal

    @property
    def hover(self) -> Proposal | None:
        """What a click where the mouse is would give, if that is known."""
        return self.hovering.proposal

    @property
    def looking(self) -> Region | None:
        """The part of the plane from which the mask on screen was made, None while there is none."""
        shown = self.proposal or self.hover
        return shown.geometry.region if shown is not None else None

    @property
    def target(self) -> int | None:
        """The cell that accepting will replace or continue; None makes a new cell."""
        return self._draft.target

    @property
    def future_target(self) -> int | None:
        """The cell that a click would continue: the draft's, or the one selected cell without a mask here."""
        movie, selection = self._session.movie, self._session.view.selection
        if self._draft.steps or movie is None or len(selection) != 1:
            return self._draft.target
        return selection[0] if movie.document.record(selection[0], self._key) is None else None

    @property
    def waiting(self) -> bool:
        """Whether there are prompts whose answer is still to come."""
        return bool(self._draft.steps) and not self.proposals

    # -- prompts ---------------------------------------------------------------------------------

    def hover_at(self, x: float, y: float, *, positive: bool = True) -> None:
        """Ask for the mask that a click at (x, y) would give; does nothing while the frame is not encoded."""
        if not self._inside(x, y):
            self.hover_leave()
            return
        self._hover(self.prompts.with_point(Point(x, y, positive)))

    def hover_box(self, box: Box) -> None:
        """Ask for the mask that a box still being dragged would give."""
        clamped = self._clamp(box)
        if clamped is not None:
            self._hover(self.prompts.with_box(clamped))

    def hover_leave(self) -> None:
        """Forget the hover mask."""
        if self.hovering.leave():
            self.hover_changed.emit()

    def add_point(self, x: float, y: float, positive: bool = True) -> None:
        """Add a prompt point; a point outside the image is ignored."""
        if self._inside(x, y):
            self._begin_draft()
            self._push(self.prompts.with_point(Point(x, y, positive)))

    def set_box(self, box: Box) -> None:
        """Set the prompt box, clamped to the image; a box outside the image is ignored."""
        clamped = self._clamp(box)
        if clamped is not None:
            self._begin_draft()
            self._push(self.prompts.with_box(clamped))

    def remove_last(self) -> None:
        """Take back the last prompt."""
        if self._draft.steps:
            self._draft.steps.pop()
            self._prompts_changed()

    def clear(self) -> None:
        """Drop the draft of this plane."""
        self._draft = Draft()
        self._prompts_changed()

    def cycle(self, step: int) -> None:
        """Choose the next (+1) or previous (-1) candidate."""
        self.answers.cycle(step)
        self.changed.emit()

    def replace_mask(self, mask: Mask) -> None:
        """Correct the proposal by hand; it stays the chosen candidate."""
        self.answers.correct(mask)
        self.changed.emit()

    # -- refinement and acceptance ------------------------------------------------------------------

    def refine_selected(self) -> None:
        """Reopen the selected cell's mask on this plane with its stored prompts (else with its box)."""
        movie, selection = self._session.movie, self._session.view.selection
        record = movie.document.record(selection[0], self._key) if movie and len(selection) == 1 else None
        if record is None:
            self._session.notices.info("Select one cell that has a mask on this frame to refine it.")
            return
        prompts = record.prompts if not record.prompts.empty else Prompts(box=_box_of(record.mask))
        self._draft = Draft([Step(prompts)], selection[0])
        self._prompts_changed()

    def accept(self, begin_next: bool = False) -> None:
        """Make the proposal part of the document; ``begin_next`` deselects, so the next click is a new cell.

        Accepting before the answer has come accepts it as soon as it comes.
        """
        if self.waiting:
            self._accept_when_ready = begin_next
            return
        proposal = self.proposal
        movie = self._session.movie
        if proposal is None or movie is None:
            return
        if proposal.mask is None:
            self._session.notices.warning(
                "This mask is empty: click on the cell, or choose another candidate with Tab."
            )
            return
        target = self.target
        cell_id = movie.document.next_id if target is None else target
        edits: list[Edit] = [AddCell(Cell(cell_id))] if target is None else []
        edits.append(SetMask(cell_id, self._key, self._record(proposal, proposal.mask)))
        if self._session.commit("Accept mask", edits):
            self._session.agenda.remember(proposal.geometry.region)
            self.clear()
            self._session.view.set(selection=() if begin_next else (cell_id,))

    def _record(self, proposal: Proposal, mask: Mask) -> MaskRecord:
        source = Source.CLICK if self.prompts.points else Source.BOX
        return MaskRecord(mask, source, proposal.predicted_iou, self.prompts, self._session.decoders.label)

    # -- asking the decoder ---------------------------------------------------------------------------

    def _begin_draft(self) -> None:
        """The first prompt continues the one selected cell if it has no mask here yet."""
        encoding = self._session.encoding
        if self._draft.steps or self._session.movie is None:
            return
        if encoding.worker.kind == "broken" and encoding.message:
            self._session.notices.warning(encoding.message)
        self._draft.target = self.future_target

    def _push(self, prompts: Prompts) -> None:
        step = Step.after(self.proposal, prompts)
        self._draft.steps.append(step)
        self._prompts_changed(self.hovering.answer_to(step))

    def _prompts_changed(self, first: Proposal | None = None) -> None:
        """Ask about the draft as it is now; ``first`` is the best answer if it is on screen already."""
        self._accept_when_ready = None
        self.hovering.leave()
        if not self._draft.steps:
            self._draft.target = None
        self.answers.begin(self.step, self._draft.target, first)
        self._session.agenda.refresh()
        self.changed.emit()

    def _hover(self, prompts: Prompts) -> None:
        self.hovering.ask(Step.after(self.proposal, prompts), self.future_target)

    def ask_anew(self) -> None:
        """Ask about the same prompts once more, because the way of answering was changed."""
        self._prompts_changed()

    def _on_hover_answer(self) -> None:
        self.decode_ms = self.hovering.decode_ms
        self.hover_changed.emit()

    def _on_answer(self) -> None:
        self.decode_ms = self.answers.decode_ms
        accept = self._accept_when_ready if self.answers.complete else None
        self.changed.emit()
        if accept is not None:
            self._accept_when_ready = None
            self.accept(accept)

    # -- following the session ------------------------------------------------------------------------

    def _on_view(self, names: frozenset[str]) -> None:
        if names & {"t", "z", "c"}:
            self._leave_plane()
        elif "tool" in names:
            self.hover_leave()

    def _leave_plane(self) -> None:
        if self._draft.steps:
            self._drafts[self._key] = self._draft
        self._key = PlaneKey(self._session.view.t, self._session.view.z)
        self._draft = self._drafts.pop(self._key, Draft())
        self._prompts_changed()

    def _on_encoding(self) -> None:
        """Another look may be there."""
        self.answers.ask()
        self.hovering.ask_again()

    def _on_missing(self, key: str) -> None:
        self.answers.forget_question()

    def _on_movie(self) -> None:
        self._drafts.clear()
        self._key = PlaneKey(self._session.view.t, self._session.view.z)
        self.clear()

    def _on_document(self, changes: ChangeSet) -> None:
        movie, target = self._session.movie, self._draft.target
        if target in changes.cells and movie is not None and target not in movie.document:
            self._draft.target = None

    def _inside(self, x: float, y: float) -> bool:
        movie = self._session.movie
        return movie is not None and movie.frame_region.contains(x, y)

    def _clamp(self, box: Box) -> Box | None:
        movie = self._session.movie
        if movie is None:
            return None
        right, bottom = movie.info.sizes.x - 1, movie.info.sizes.y - 1
        x0, x1 = max(box.x0, 0.0), min(box.x1, right)
        y0, y1 = max(box.y0, 0.0), min(box.y1, bottom)
        return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _box_of(mask: Mask) -> Box:
    return Box(mask.x0, mask.y0, mask.region.x1 - 1, mask.region.y1 - 1)
