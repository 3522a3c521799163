"""The review queue: which masks to look at next, marking them as seen, and divisions that were proposed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop.analysis.review import Doubt, Review
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import Edit, MarkSeen
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.track_edits import accept_division, is_proposed, refuse_division

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_AT_ONCE = 20
"""So many masks are worked out in one event, in some 5 ms."""

_ROUNDS = 10
"""So many times that after a mark, which mostly is handing on a score along a cell, in some 10 ms."""

_MANY, _PAUSE_S = 500, 0.04
"""While more masks than that wait, as after a large project was opened, there are pauses in between."""

_Order = tuple[float, PlaneKey, int]


class Reviewing:
    """Keeps the queue in step with the document, in the background, and leads through it.

    ``changed`` is emitted when the doubts or the place in the queue changed; ``shown`` when a doubt was gone
    to, so that it can be brought into view.
    """

    changed = Signal()
    shown = Signal(Doubt)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._review: Review | None = None
        self._ranked: list[Doubt] | None = None
        self._by_frame: dict[PlaneKey, dict[int, Doubt]] | None = None
        self._worst: dict[int, Doubt] | None = None
        self._proposals: list[tuple[int, tuple[int, int]]] | None = None
        self._last: _Order | None = None
        self._working = False
        session.movie_changed.connect(self._on_movie)
        session.document_changed.connect(self._on_document)
        session.view.changed.connect(self._on_view)

    # -- reading -----------------------------------------------------------------------------------

    @property
    def ranked(self) -> list[Doubt]:
        """All doubts, the most likely mistakes first."""
        if self._ranked is None:
            self._ranked = [] if self._review is None else self._review.ranked()
        return self._ranked

    @property
    def count(self) -> int:
        """How many masks are doubtful."""
        return 0 if self._review is None else len(self._review.doubts)

    @property
    def pending(self) -> int:
        """How many masks are still to be judged."""
        return 0 if self._review is None else self._review.pending

    def on(self, key: PlaneKey) -> Mapping[int, Doubt]:
        """The doubts about masks on one plane, by cell."""
        return self._places.get(key, {})

    def of(self, cell_id: int) -> Doubt | None:
        """The doubt about a cell's mask on the plane on screen, or else its weightiest one."""
        return self.on(self._session.view.key).get(cell_id) or self.worst(cell_id)

    def worst(self, cell_id: int) -> Doubt | None:
        """The weightiest doubt about a cell."""
        if self._worst is None:
            self._worst = {doubt.cell_id: doubt for doubt in reversed(self.ranked)}
        return self._worst.get(cell_id)

    @property
    def per_frame(self) -> dict[int, int]:
        """How many masks are doubtful on each frame that has any, at the z position on screen."""
        z = self._session.view.z
        return {key.t: len(doubts) for key, doubts in self._places.items() if key.z == z}

    @property
    def text(self) -> str:
        """Where one is in the queue, such as "3 of 41 doubtful: area jumped by 60 %"."""
        total = len(self.ranked)
        if not total:
            return ""
        current = self._current()
        if current is None:
            return f"{total} doubtful"
        return f"{self.ranked.index(current) + 1} of {total} doubtful: {current.words}"

    # -- moving ------------------------------------------------------------------------------------

    def next(self) -> None:
        """Go to the next doubt, from the most likely mistake on; after the last one begin again."""
        self._go(1)

    def previous(self) -> None:
        """Go back to the doubt before."""
        self._go(-1)

    def mark_seen(self, *, everything: bool = False) -> None:
        """Say that the selected masks here, or all visible ones, are right; then go to the next doubt."""
        movie, view = self._session.movie, self._session.view
        if movie is None:
            return
        here = movie.document.cells_on(view.key)
        chosen = [i for i in here if (view.is_visible(i) if everything else i in view.selection)]
        edits: list[Edit] = [
            MarkSeen(i, frozenset([view.key])) for i in chosen if not movie.document.is_seen(i, view.key)
        ]
        if not chosen:
            self._session.notices.info("Select the cells whose masks are right.")
            return
        if edits and not self._session.commit("Mark as seen", edits):
            return
        if not everything:
            self._finish_now()
            self._go(1)

    def _go(self, step: int) -> None:
        ranked = self.ranked
        if not ranked:
            waiting = " yet: masks are still being judged." if self.pending else "."
            self._session.notices.info(f"Nothing is doubtful{waiting}")
            return
        orders = [_order(doubt) for doubt in ranked]
        if self._last is None:
            chosen = ranked[0 if step > 0 else -1]
        elif step > 0:
            chosen = next((d for d, o in zip(ranked, orders, strict=True) if o > self._last), ranked[0])
        else:
            before = [d for d, o in zip(ranked, orders, strict=True) if o < self._last]
            chosen = before[-1] if before else ranked[-1]
        self._show(chosen)

    def _show(self, doubt: Doubt) -> None:
        session = self._session
        assert session.movie is not None
        self._last = _order(doubt)
        session.navigation.show(t=doubt.key.t, z=doubt.key.z)
        session.view.set(selection=self._concerned(doubt))
        self.shown.emit(doubt)
        self.changed.emit()

    def _concerned(self, doubt: Doubt) -> tuple[int, ...]:
        """The cells to look at: of a proposed division both daughters."""
        assert self._session.movie is not None
        document = self._session.movie.document
        mother, span = document.lineage.mother(doubt.cell_id), document.span(doubt.cell_id)
        born_here = span is not None and span[0] == doubt.key.t
        if mother is None or not born_here or not is_proposed(document, mother):
            return (doubt.cell_id,)
        return tuple(document.lineage.daughters(mother) or ())

    def _current(self) -> Doubt | None:
        """The doubt last gone to, while its place is on screen."""
        view = self._session.view
        return next((d for d in self.on(view.key).values() if _order(d) == self._last), None)

    # -- proposed divisions --------------------------------------------------------------------------

    def proposals(self) -> list[tuple[int, tuple[int, int]]]:
        """Mothers and daughters of the proposed divisions whose daughters begin on the plane on screen."""
        if self._proposals is None:
            movie = self._session.movie
            self._proposals = [] if movie is None else proposed_on(movie.document, self._session.view.key)
        return self._proposals

    @property
    def proposal(self) -> int | None:
        """The mother of the proposed division that is selected here, or of the first one here."""
        here, selection = self.proposals(), set(self._session.view.selection)
        chosen = [mother for mother, pair in here if not selection.isdisjoint((mother, *pair))]
        return chosen[0] if chosen else (here[0][0] if here else None)

    def accept_division(self, mother: int | None = None) -> None:
        """The proposed division is right: its daughters' first masks count as seen."""
        session, mother = self._session, self.proposal if mother is None else mother
        if session.movie is None or mother is None:
            return
        document, chosen = session.movie.document, mother
        session.acting.do("Accept division", lambda _: accept_division(document, chosen))

    def refuse_division(self, mother: int | None = None) -> None:
        """There is no division: the mother goes on with both masks, and can be carried on from here again."""
        session, mother = self._session, self.proposal if mother is None else mother
        if session.movie is None or mother is None:
            return
        document, t, chosen = session.movie.document, session.view.t, mother

        def go_on(_: list[Edit]) -> None:
            session.propagating.never_divide(chosen, t)
            session.view.set(selection=(chosen,))
            title = document.cell(chosen).title
            session.notices.info(f"{title} goes on as one cell: propagate it from here anew.")

        session.acting.do(
            "Refuse division", lambda force: refuse_division(document, chosen, force=force), go_on
        )

    # -- following the session -----------------------------------------------------------------------

    @property
    def _places(self) -> dict[PlaneKey, dict[int, Doubt]]:
        if self._by_frame is None:
            self._by_frame = {}
            for doubt in () if self._review is None else self._review.doubts.values():
                self._by_frame.setdefault(doubt.key, {})[doubt.cell_id] = doubt
        return self._by_frame

    def _on_movie(self) -> None:
        movie = self._session.movie
        self._last = self._proposals = None
        self._review = None
        if movie is not None:
            sizes = movie.info.sizes
            self._review = Review(movie.document, sizes.t, sizes.y, sizes.x)
        self._tell()
        self._go_on()

    def _on_document(self, changes: ChangeSet) -> None:
        self._proposals = None
        if self._review is not None:
            self._review.update(changes)
            self._go_on()

    def _on_view(self, names: frozenset[str]) -> None:
        if names & {"t", "z"}:
            self._proposals = None
            self.changed.emit()

    def _go_on(self) -> None:
        if self._review is None or not self._review.pending or self._working:
            return
        self._working = True
        work = partial(self._work, self._review)
        if self._review.pending <= _MANY:
            self._session.post(work)
        else:
            pause = threading.Timer(_PAUSE_S, self._session.post, (work,))
            pause.daemon = True
            pause.start()

    def _work(self, review: Review) -> None:
        self._working = False
        if review is not self._review:
            self._go_on()
            return
        if review.work(_AT_ONCE):
            self._tell()
        else:
            self._go_on()

    def _finish_now(self) -> None:
        """What a mark changes are a few masks, and those carried on from them: the next doubt is chosen with
        them known, unless they are very many.
        """
        if self._review is None or self._review.pending > _AT_ONCE:
            return
        for _ in range(_ROUNDS):
            if self._review.work(_AT_ONCE):
                break
        self._tell()

    def _tell(self) -> None:
        self._ranked = self._by_frame = self._worst = None
        self.changed.emit()


def _order(doubt: Doubt) -> _Order:
    return -doubt.score, doubt.key, doubt.cell_id


def proposed_on(document: Document, key: PlaneKey) -> list[tuple[int, tuple[int, int]]]:
    """Mothers and daughters of the proposed divisions whose daughters begin on a plane."""
    found: dict[int, tuple[int, int]] = {}
    for cell_id in document.cells_on(key):
        mother, span = document.lineage.mother(cell_id), document.span(cell_id)
        if mother is None or mother in found or span is None or span[0] != key.t:
            continue
        daughters = document.lineage.daughters(mother)
        if daughters is not None and is_proposed(document, mother):
            found[mother] = daughters
    return sorted(found.items())
