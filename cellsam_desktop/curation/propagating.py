"""Carrying cells through time: to the next frame, to the end, over a range, backwards too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import Cancelled, CellSamError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.propagation_run import Plan, PropagationRun, Tally
from cellsam_desktop.jobs.runner import Job

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

_NAMED = 3
"""So many lost cells are named in the summary."""


class Propagating:
    """Starts, follows and ends propagations, one at a time.

    Each is one step of undo, which edits meanwhile part, saved frame by frame. ``changed`` is emitted when
    one begins or ends.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job | None = None
        self._run: PropagationRun | None = None
        self._refused: dict[int, int] = {}
        session.movie_changed.connect(self._on_movie)
        session.encoding.changed.connect(self._on_encoding)

    @property
    def running(self) -> bool:
        """Whether cells are being carried right now."""
        return self._job is not None

    # -- intents -----------------------------------------------------------------------------------

    def to_next(self) -> None:
        """Carry the selected cells, or all visible ones, to the next frame, and go there."""
        self._steps(1)

    def to_previous(self) -> None:
        """Carry them back to the previous frame, and go there."""
        self._steps(-1)

    def to_end(self) -> None:
        """Carry them on to the last frame."""
        movie = self._session.movie
        if movie is not None:
            self.over(self._session.view.t, movie.info.sizes.t - 1)

    def over(
        self, start: int, end: int, cells: Sequence[int] | None = None, domain: int | None = None
    ) -> None:
        """Carry cells from frame ``start`` to ``end``, backwards if that comes before.

        ``cells`` None means the selected ones, or all visible ones where none is selected. They stay within
        the mask of the cell ``domain``, which itself is not carried.
        """
        movie, notices = self._session.movie, self._session.notices
        if movie is None:
            return
        if self.running:
            notices.info("Cells are being carried already: wait, or cancel that first.")
            return
        step = 1 if end > start else -1
        last = min(max(end, 0), movie.info.sizes.t - 1)
        frames = tuple(range(start + step, last + step, step))
        here = self.candidates(start) if cells is None else tuple(cells)
        chosen = tuple(i for i in here if i != domain)
        if end == start or not frames:
            notices.info(f"There is no frame {'after' if end >= start else 'before'} this one.")
        elif not chosen:
            notices.info("There is no cell on this frame that could be carried: click one and accept it.")
        elif all(movie.document.cell(i).locked for i in chosen):
            notices.info("These cells are locked: unlock them to carry them on.")
        else:
            self._start(Plan(start, frames, chosen, domain))

    def candidates(self, t: int) -> tuple[int, ...]:
        """The selected cells with a mask on frame ``t``, or all visible ones where none is selected."""
        movie, view = self._session.movie, self._session.view
        if movie is None:
            return ()
        here = movie.document.cells_on(PlaneKey(t, view.z))
        if view.selection:
            return tuple(i for i in here if i in view.selection)
        return tuple(filter(view.is_visible, here))

    def never_divide(self, mother: int, t: int) -> None:
        """The curator refused this division: it is not proposed again on frame ``t``."""
        self._refused[mother] = t

    def cancel(self) -> bool:
        """End the propagation under way, keeping what was done; False when there is none."""
        if self._job is None:
            return False
        self._job.cancel()
        return True

    # -- the job -----------------------------------------------------------------------------------

    def _steps(self, frames: int) -> None:
        if self._session.movie is not None:
            t = self._session.view.t
            self.over(t, t + frames)

    def _start(self, plan: Plan) -> None:
        encoding = self._session.encoding
        if encoding.worker.kind == "broken":
            self._session.notices.warning(encoding.worker.message)
            return
        self._run = run = PropagationRun(self._session, plan, self._refused)
        self._job = self._session.jobs.runner.run(
            "Propagating", run.work, lambda _: self._sum_up(run), lambda error: self._sum_up(run, error)
        )
        self._job.changed.connect(self._on_job)
        self.changed.emit()

    def _on_job(self) -> None:
        """However it ended, the next one may begin."""
        if self._job is not None and self._run is not None and not self._job.running:
            self._run.end()
            self._run = self._job = None
            self.changed.emit()

    def _sum_up(self, run: PropagationRun, error: CellSamError | None = None) -> None:
        movie = self._session.movie
        if movie is None or movie is not run.movie:
            return
        if len(run.plan.frames) == 1 and run.tally.frames:
            self._session.navigation.go_to(run.tally.reached)
        if run.tally.frames:
            cancelled = isinstance(error, Cancelled)
            self._session.notices.info(*summary(movie.document, run.tally, cancelled=cancelled))
        if error is not None and not isinstance(error, Cancelled):
            self._session.notices.error(str(error))

    # -- following the session -----------------------------------------------------------------------

    def _on_movie(self) -> None:
        self._refused.clear()
        self.cancel()

    def _on_encoding(self) -> None:
        if self._run is not None:
            self._run.look_again()


def summary(document: Document, tally: Tally, *, cancelled: bool = False) -> tuple[str, str]:
    """What came of a propagation, as a sentence and the details of cells that were lost."""
    carried = counted(len(tally.placed), "cell")
    over = f"{counted(tally.frames, 'frame')}, to frame {tally.reached + 1}"
    text = f"{'Cancelled: ' if cancelled else ''}{carried} carried over {over}."
    if tally.lost:
        text += f" {len(tally.lost)} lost."
    if tally.divided:
        divisions, them = counted(len(tally.divided), "division"), "it" if len(tally.divided) == 1 else "them"
        text += f" {divisions} proposed: “Next doubtful mask” shows {them}."
    lines = [
        f"{document.cell(cell_id).title} on frame {t + 1}: {reason}"
        for cell_id, (t, reason) in list(tally.lost.items())[:_NAMED]
        if cell_id in document
    ]
    more = len(tally.lost) - _NAMED
    return text, "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])
