"""From prompts to a proposal: clicks, boxes, hover, candidates, refinement, acceptance.

A *draft* is what the curator is pointing at on one plane and has not accepted yet. Each plane keeps its
draft, so that stepping away and back loses no click. Hovering shows what a click would give; it never
becomes a prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.edits import AddCell, Edit, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.jobs.decode_request import DecodeRequest, DecodeResult, EncodedLook, Proposal

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class _Step:
    """Prompts, and the logits of the answer that they refine (the mask hint), if any."""

    prompts: Prompts
    hint: Logits | None = None


@dataclass
class _Draft:
    """Unaccepted work on one plane; ``target`` is the cell it will replace or continue."""

    steps: list[_Step] = field(default_factory=list)
    target: int | None = None


class Prompting:
    """The draft of the plane on screen and the decoder's answers to it.

    ``changed`` is emitted whenever prompts, proposal, hover or candidate changed.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._drafts: dict[PlaneKey, _Draft] = {}
        self._draft = _Draft()
        self._key = PlaneKey()
        self._accept_when_ready: bool | None = None
        self._asked: object | None = None
        self._hover_token: object | None = None
        self.proposals: tuple[Proposal, ...] = ()
        self.candidate = 0
        self.hover: Proposal | None = None
        self.decode_ms: float | None = None
        session.view.changed.connect(self._on_view)
        session.encoding.changed.connect(self._on_encoding)
        session.movie_changed.connect(self._on_movie)
        session.document_changed.connect(self._on_document)
        session.jobs.decoder.missing.connect(self._on_missing)

    @property
    def prompts(self) -> Prompts:
        """The prompts of the draft on this plane."""
        return self._draft.steps[-1].prompts if self._draft.steps else Prompts()

    @property
    def proposal(self) -> Proposal | None:
        """The chosen candidate, or None while there is no answer."""
        return self.proposals[self.candidate] if self.proposals else None

    @property
    def target(self) -> int | None:
        """The cell that accepting will replace or continue; None makes a new cell."""
        return self._draft.target

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
        self._ask_hover(self.prompts.with_point(Point(x, y, positive)))

    def hover_box(self, box: Box) -> None:
        """Ask for the mask that a box still being dragged would give."""
        clamped = self._clamp(box)
        if clamped is not None:
            self._ask_hover(self.prompts.with_box(clamped))

    def hover_leave(self) -> None:
        """Forget the hover mask."""
        self._hover_token = None
        if self.hover is not None:
            self.hover = None
            self.changed.emit()

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
        self._draft = _Draft()
        self._prompts_changed()

    def cycle(self, step: int) -> None:
        """Choose the next (+1) or previous (-1) candidate."""
        if self.proposals:
            self.candidate = (self.candidate + step) % len(self.proposals)
            self.changed.emit()

    def replace_mask(self, mask: Mask) -> None:
        """Correct the proposal by hand; it stays the chosen candidate."""
        if self.proposal is not None:
            chosen = replace(self.proposal, mask=mask)
            others = self.proposals
            self.proposals = (*others[: self.candidate], chosen, *others[self.candidate + 1 :])
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
        self._draft = _Draft([_Step(prompts)], selection[0])
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
            self.clear()
            self._session.view.set(selection=() if begin_next else (cell_id,))

    def _record(self, proposal: Proposal, mask: Mask) -> MaskRecord:
        source = Source.CLICK if self.prompts.points else Source.BOX
        return MaskRecord(mask, source, proposal.predicted_iou, self.prompts, self._session.encoding.model)

    # -- asking the decoder ---------------------------------------------------------------------------

    def _begin_draft(self) -> None:
        """The first prompt continues the one selected cell if it has no mask here yet."""
        movie, encoding, selection = self._session.movie, self._session.encoding, self._session.view.selection
        if self._draft.steps or movie is None:
            return
        if encoding.worker.kind == "broken" and encoding.message:
            self._session.notices.warning(encoding.message)
        if len(selection) == 1 and movie.document.record(selection[0], self._key) is None:
            self._draft.target = selection[0]

    def _push(self, prompts: Prompts) -> None:
        hint = self.proposal.logits if self.proposal is not None else None
        self._draft.steps.append(_Step(prompts, hint))
        self._prompts_changed()

    def _prompts_changed(self) -> None:
        self.proposals, self.candidate, self._asked = (), 0, None
        self.hover, self._hover_token = None, None
        self._accept_when_ready = None
        if not self._draft.steps:
            self._draft.target = None
        self._ask()
        self.changed.emit()

    def _ask(self) -> None:
        """Send the draft to the decoder, if the frame is encoded and the question is a new one."""
        if not self._draft.steps or self._asked is not None:
            return
        step = self._draft.steps[-1]
        request = self._request(step.prompts, step.hint, hover=False, token=object())
        if request is not None:
            self._asked = request.token
            self._session.jobs.decoder.submit(request, self._on_answer)

    def _ask_hover(self, prompts: Prompts) -> None:
        hint = self.proposal.logits if self.proposal is not None else None
        # One token for all hovers over the same draft: the mask of a moment ago is better than none while
        # the mouse moves faster than the decoder.
        self._hover_token = self._hover_token or object()
        request = self._request(prompts, hint, hover=True, token=self._hover_token)
        if request is not None:
            self._session.jobs.decoder.submit(request, self._on_hover_answer)

    def _request(
        self, prompts: Prompts, hint: Logits | None, *, hover: bool, token: object
    ) -> DecodeRequest | None:
        encoding = self._session.encoding
        if encoding.current_key is None or encoding.geometry is None or encoding.decoder_path is None:
            return None
        look = EncodedLook(encoding.current_key, encoding.geometry)
        return DecodeRequest((look,), prompts, hint, hover, token=token)

    def _on_answer(self, result: DecodeResult) -> None:
        if result.request.token is not self._asked or not result.final:
            return
        self.proposals, self.candidate, self.decode_ms = result.proposals, 0, result.decode_ms
        accept, self._accept_when_ready = self._accept_when_ready, None
        self.changed.emit()
        if accept is not None:
            self.accept(accept)

    def _on_hover_answer(self, result: DecodeResult) -> None:
        if result.request.token is self._hover_token and result.proposals:
            self.hover, self.decode_ms = result.proposals[0], result.decode_ms
            self.changed.emit()

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
        self._draft = self._drafts.pop(self._key, _Draft())
        self._prompts_changed()

    def _on_encoding(self) -> None:
        self._ask()

    def _on_missing(self, key: str) -> None:
        """The embedding asked about is gone from the cache: ask again when it has been made anew."""
        if self.waiting:
            self._asked = None

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
