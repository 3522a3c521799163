"""Cells in and out in many formats, and the project under another name; all as jobs that can be cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cellsam_desktop.core import collector
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import CellSamError, ExchangeError
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.formats import FORMATS, Format, Incoming, Outgoing, recognise
from cellsam_desktop.curation.open_movie import OpenMovie
from cellsam_desktop.curation.project_copy import SaveAs
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.project.importers.tracks import Records, Tracks, edits_of, records_of

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

T = TypeVar("T")


class Exchange:
    """Imports and exports of the open movie. Exports write a snapshot taken when they were asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._save_as = SaveAs(session, self._run)

    def import_labels(self, path: Path) -> None:
        """Add the labels of an image as cells, in one undoable step.

        Labels keep their ids, except those that belong to cells already here: these get new ids. A single
        image goes onto the plane on screen.
        """
        self._import(path, FORMATS["labels"])

    def import_tracks(self, path: Path) -> None:
        """Add the cells of a file or folder in any known format, with names and divisions, in one step.

        They keep their ids, except those that belong to cells already here.
        """
        try:
            self._import(path, recognise(path))
        except ExchangeError as error:
            self._session.notices.error(str(error))

    def export_labels(self, path: Path) -> None:
        """Write all masks as a label TIFF with the movie's axes and scale."""
        self.export_tracks(path, "labels")

    def export_tracks(self, path: Path, name: str) -> None:
        """Write all cells in the format called ``name``, see ``formats.FORMATS``."""
        movie = self._session.movie
        if movie is None:
            return
        out = Outgoing(movie.document.snapshot(), movie.info.sizes.tzyx, movie.info.path)
        form = FORMATS[name]
        self._run(
            f"Exporting {path.name}",
            lambda progress: form.write(path, out, progress),
            lambda _: self._written("Labels" if name == "labels" else "Cells", path),
        )

    def save_as(self, path: Path) -> None:
        """Write the project to another file and go on working there; what is at ``path`` is replaced."""
        self._save_as.start(path)

    # -- on the main thread, afterwards -------------------------------------------------------------

    def _run(
        self,
        name: str,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        def succeeded(answer: T) -> None:
            finish()
            done(answer)

        def failed(error: CellSamError) -> None:
            finish()
            self._session.notices.failed(error)

        self._session.jobs.runner.run(name, work, succeeded, failed)

    def _written(self, what: str, path: Path) -> None:
        self._session.notices.info(f"{what} written to {path}.")

    def _import(self, path: Path, form: Format) -> None:
        movie = self._session.movie
        if movie is None:
            return
        into = Incoming(movie.info.sizes.tzyx, movie.document.calibration, self._session.view.key)
        self._run(
            f"Importing {path.name}",
            partial(_read, path, form, into),
            lambda answer: self._add(movie, path, form, *answer),
        )

    def _add(self, movie: OpenMovie, path: Path, form: Format, tracks: Tracks, records: Records) -> None:
        notices = self._session.notices
        if self._session.movie is not movie:
            notices.warning(f"{path.name} was not imported: its movie was closed meanwhile.")
            return
        if not tracks.masks:
            why = "no labels: every pixel is 0" if form.name == "labels" else "no cells: choose another file"
            notices.warning(f"{path.name} holds {why}.")
            return
        new_ids = _assign_ids(tracks.masks, movie.document)
        name = "Import labels" if form.name == "labels" else "Import tracks"
        if self._session.commit(name, edits_of(tracks, records, new_ids)):
            notices.info(_told(path, tracks, new_ids))


def _told(path: Path, tracks: Tracks, new_ids: dict[int, int]) -> str:
    masks, divisions = sum(map(len, tracks.masks.values())), len(tracks.divisions)
    text = f"{counted(len(new_ids), 'cell')} with {counted(masks, 'mask')}"
    text += f" and {counted(divisions, 'division')}" if divisions else ""
    sentences = [f"Imported {text} from {path.name}."]
    if changed := sum(old != new for old, new in new_ids.items()):
        sentences.append(f"{changed} of them got new ids, because theirs belong to other cells here.")
    return " ".join([*sentences, *tracks.notes])


def _assign_ids(wanted: Iterable[int], document: Document) -> dict[int, int]:
    """The id that each imported label gets: its own when no cell here has it, else one that nobody has."""
    ids = {label: label for label in wanted if label not in document}
    following = max(document.next_id, max(ids, default=0) + 1)
    for label in sorted(wanted):
        if label not in ids:
            ids[label] = following
            following += 1
    return ids


def _read(path: Path, form: Format, into: Incoming, progress: Progress) -> tuple[Tracks, Records]:
    """The records are ready to be added and to be written: the main thread has no pixel to touch."""
    with collector.paused():
        tracks = form.read(path, into, progress)
        return tracks, records_of(tracks)
