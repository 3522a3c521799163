"""Linking as an action: all imported cells over the whole movie, or the selected ones from this frame on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from cellsam_desktop.core import track_edits
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import Edit
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Source
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.open_movie import OpenMovie
from cellsam_desktop.images.source import grey_planes
from cellsam_desktop.jobs.runner import Progress

if TYPE_CHECKING:
    from cellsam_desktop.analysis.linking import ReadPlane
    from cellsam_desktop.analysis.relinking import Relinked, Tracks
    from cellsam_desktop.curation.session import Session

REACH = 10
"""Frames that are linked anew around an edit."""


class Linking:
    """Asks for new identities as a job, and commits them as one step."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def can_link(self) -> bool:
        """Whether there are cells to link over time."""
        movie = self._session.movie
        return movie is not None and movie.info.sizes.t > 1 and len(movie.document) > 0

    def link_all(self) -> None:
        """Link over the whole movie: the selected cells if there are several, else all that were imported.

        Brightness is that of the channel on screen.
        Imported are cells with imported masks only and without relatives; locked ones stay as they are.
        """
        movie = self._session.movie
        if movie is None:
            return
        chosen, document = self._session.view.selection, movie.document
        cells = chosen if len(chosen) > 1 else [i for i in document.cell_ids if _imported(document, i)]
        frames = range(movie.info.sizes.t)
        self._start(movie, "Link cells over time", _unlocked(document, cells), frames)

    def relink_here(self) -> None:
        """Link the selected cells and those near them anew, from this frame on over the next few.

        Without a selection all cells of this frame.
        """
        movie, view = self._session.movie, self._session.view
        if movie is None:
            return
        frames = range(view.t, min(view.t + REACH, movie.info.sizes.t))
        cells = view.selection or movie.document.cells_on(view.key)
        self._start(movie, "Link anew from here", _unlocked(movie.document, cells), frames, around=True)

    def _start(
        self, movie: OpenMovie, name: str, cells: list[int], frames: range, *, around: bool = False
    ) -> None:
        if not cells:
            self._session.notices.warning(
                "There is nothing to link: import masks, or select unlocked cells and try again."
            )
            return
        document, read = movie.document.snapshot(), grey_planes(movie.source, self._session.view.c)
        self._session.jobs.runner.run(
            name,
            lambda progress: _relink(document, read, cells, frames, around, progress),
            lambda found: self._commit(movie, name, found, frames, document.next_id),
            self._session.notices.failed,
        )

    def _commit(self, movie: OpenMovie, name: str, found: Relinked, frames: range, first_new: int) -> None:
        """Make what was found one step; ``first_new`` is the first id that linking gave to new cells."""
        if self._session.movie is not movie:
            return
        document, notices = movie.document, self._session.notices
        begun_meanwhile = document.next_id - first_new  # these ids are taken by now

        def now(cell: int) -> int:
            return cell if cell < first_new else cell + begun_meanwhile

        places = {
            (cell, key): now(found.cell_of[key.t, cell])
            for cell in {cell for _, cell in found.cell_of}
            for key in document.track(cell)
            if (key.t, cell) in found.cell_of
        }
        divisions = [(now(mother), (now(one), now(other))) for mother, (one, other) in found.divisions]
        if not places:
            notices.warning("The cells to link are gone by now: nothing was linked.")
            return
        made: list[list[Edit]] = []

        def make(_: bool) -> list[Edit]:
            made.append(track_edits.relabel(document, places, divisions, frames=frames))
            return made[-1]

        if self._session.acting.do(name, make):
            cells = counted(len(set(places.values())), "cell")
            notices.info(f"Linked {cells} with {counted(len(divisions), 'division')}.")
        elif made and not made[-1]:
            notices.info("Linking finds the cells as they are.")


def _imported(document: Document, cell: int) -> bool:
    lineage = document.lineage
    return (
        lineage.mother(cell) is None
        and lineage.daughters(cell) is None
        and all(record.source is Source.IMPORTED for record in document.track(cell).values())
    )


def _unlocked(document: Document, cells: Iterable[int]) -> list[int]:
    return [cell for cell in cells if not document.cell(cell).locked and document.track(cell)]


def _relink(
    document: Document, read: ReadPlane, cells: list[int], frames: range, around: bool, progress: Progress
) -> Relinked:
    from cellsam_desktop.analysis.linking import Options  # with what it needs of SciPy
    from cellsam_desktop.analysis.relinking import neighbours, relink

    tracks = _tracks(document, _unlocked(document, document.cell_ids) if around else cells, progress.check)
    if around:
        near = neighbours(tracks, cells, range(max(frames.start - 1, 0), frames.stop), _size(tracks, frames))
        tracks = {cell: tracks[cell] for cell in sorted(near)}
    options = Options(z_step=document.calibration.z_step_px)
    return relink(tracks, frames, document.next_id, read=read, options=options, progress=progress)


def _tracks(document: Document, cells: Collection[int], check: Callable[[], None]) -> Tracks:
    tracks: dict[int, dict[int, dict[int, Mask]]] = {}
    for cell in cells:
        check()
        for key, record in document.track(cell).items():
            tracks.setdefault(cell, {}).setdefault(key.t, {})[key.z] = record.mask
    return tracks


def _size(tracks: Tracks, frames: range) -> float:
    from cellsam_desktop.analysis.linking_detection import cell_size

    shown = {t: {cell: track[t] for cell, track in tracks.items() if t in track} for t in frames}
    return cell_size(shown)
