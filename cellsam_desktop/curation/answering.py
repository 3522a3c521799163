"""The decoder's answers: to the draft, and to the place where the mouse is.

An answer may come in parts: the first look's at once, that of all looks together a little later, and again
when a closer look has been encoded. What is on screen is replaced only until the curator acts on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.curation.draft import Step
from cellsam_desktop.jobs.decode_request import DecodeResult, EncodedLook, Proposal

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class Answering:
    """Proposals for one step of a draft.

    ``candidate`` is the chosen one. ``wanted`` are the looks to ask, encoded or not. ``decided`` says that
    the curator has chosen or corrected a candidate, so that nothing replaces it any more; ``complete`` that
    all candidates of the question under way are there.
    """

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._changed = changed
        self._step: Step | None = None
        self._target: int | None = None
        self._token: object | None = None
        self._asked: frozenset[EncodedLook] = frozenset()
        self._turns = 0
        self.wanted: tuple[Region, ...] = ()
        self.proposals: tuple[Proposal, ...] = ()
        self.candidate = 0
        self.complete = False
        self.decided = False
        self.decode_ms: float | None = None

    @property
    def asked(self) -> bool:
        """Whether the decoder was asked, so that the answer is a matter of milliseconds."""
        return self._token is not None

    @property
    def proposal(self) -> Proposal | None:
        """The chosen candidate, or None while there is no answer."""
        return self.proposals[self.candidate] if self.proposals else None

    def begin(self, step: Step | None, target: int | None, first: Proposal | None = None) -> None:
        """Ask about another step (None: about nothing); ``first`` is its best answer, where it is known."""
        self._step, self._target = step, target
        # Decided now: a mask does not change because she zooms in to see it better.
        self.wanted = self._session.questions.wanted(step) if step is not None else ()
        self._token, self._asked, self._turns = None, frozenset(), 0
        self.proposals, self.candidate = (first,) if first is not None else (), 0
        self.complete = self.decided = False
        self.ask()

    def ask(self) -> None:
        """Send the question, if there are looks that it was not asked of yet."""
        if self._step is None or self.decided:
            return
        looks = self._session.questions.encoded(self._step, self.wanted)
        if self._asked.issuperset(looks):
            return
        token = object()
        request = self._session.questions.request(self._step, looks, self._target, hover=False, token=token)
        if request is not None:
            self._token, self._asked = token, frozenset(request.looks)
            self._session.jobs.decoder.submit(request, self._on_answer)

    def forget_question(self) -> None:
        """The embedding asked about is gone: ask again when it has been made anew."""
        if not self.proposals:
            self._token, self._asked = None, frozenset()

    def cycle(self, step: int) -> None:
        """Choose the next (+1) or previous (-1) candidate; as soon as they are all there."""
        if not self.complete:
            self._turns += step
        elif self.proposals:
            self._choose(self.candidate + step)

    def correct(self, mask: Mask) -> None:
        """Replace the mask of the chosen candidate."""
        if self.proposal is not None:
            chosen, others = replace(self.proposal, mask=mask), self.proposals
            self.proposals = (*others[: self.candidate], chosen, *others[self.candidate + 1 :])
            self.complete = self.decided = True

    def _choose(self, candidate: int) -> None:
        self.candidate = candidate % len(self.proposals)
        self.decided = True

    def _on_answer(self, result: DecodeResult) -> None:
        if result.request.token is not self._token or self.decided:
            return
        if not result.final and self.proposals:
            return  # something better than the first look alone is on screen already
        self.proposals, self.candidate, self.complete = result.proposals, 0, result.final
        self.decode_ms = result.decode_ms
        if result.final and self._turns and self.proposals:
            self._choose(self._turns)
        self._changed()


class Hovering:
    """The mask that a click where the mouse is would give. It never becomes a prompt by itself."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._changed = changed
        self._step: Step | None = None
        self._target: int | None = None
        self._token: object | None = None
        self._wanted: tuple[Region, ...] = ()
        self._asked: frozenset[EncodedLook] = frozenset()
        self._answered: Step | None = None
        self.proposal: Proposal | None = None
        self.decode_ms: float | None = None

    def ask(self, step: Step, target: int | None) -> None:
        """Ask what ``step`` would give; nothing comes while no look is encoded."""
        self._step, self._target = step, target
        self._wanted = self._session.questions.wanted(step)
        # One token for all questions until the mouse leaves: the mask of a moment ago is better than none
        # while it moves faster than the decoder.
        self._token = self._token or object()
        self._submit(step, self._session.questions.encoded(step, self._wanted))

    def ask_again(self) -> None:
        """Ask once more about the same place, if more looks can be asked now."""
        if self._step is not None:
            looks = self._session.questions.encoded(self._step, self._wanted)
            if not self._asked.issuperset(looks):
                self._submit(self._step, looks)

    def _submit(self, step: Step, looks: tuple[EncodedLook, ...]) -> None:
        questions = self._session.questions
        request = questions.request(step, looks, self._target, hover=True, token=self._token)
        self._asked = frozenset(looks) if request is not None else frozenset()
        if request is not None:
            self._session.jobs.decoder.submit(request, partial(self._on_answer, step))

    def leave(self) -> bool:
        """Forget the place and its mask; whether there was a mask."""
        shown = self.proposal is not None
        self._step = self._answered = self._token = self.proposal = None
        return shown

    def answer_to(self, step: Step) -> Proposal | None:
        """The mask on screen if it is the answer to just this step."""
        known = self._answered
        same = known is not None and known.prompts == step.prompts and known.hint is step.hint
        return self.proposal if same else None

    def _on_answer(self, step: Step, result: DecodeResult) -> None:
        if result.request.token is self._token and result.proposals:
            self.proposal, self.decode_ms, self._answered = result.proposals[0], result.decode_ms, step
            self._changed()
