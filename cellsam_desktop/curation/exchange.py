"""Labels and tables in and out, and the project under another name; all as jobs that can be cancelled."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cellsam_desktop.analysis.series import Measurements
from cellsam_desktop.analysis.table import columns, rows_of
from cellsam_desktop.core import collector
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddTrack
from cellsam_desktop.core.errors import Cancelled, CellSamError, ProjectError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.open_movie import OpenMovie
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.project.exporters.labels import export_labels
from cellsam_desktop.project.exporters.table import write_table
from cellsam_desktop.project.importers.labels import import_labels
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.schema import SUFFIX
from cellsam_desktop.project.store import ProjectStore, everything

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

T = TypeVar("T")
Shape = tuple[int, int, int, int]
Labelled = dict[int, dict[PlaneKey, MaskRecord]]


class Exchange:
    """Imports and exports of the open movie. Exports write a snapshot taken when they were asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def import_labels(self, path: Path) -> None:
        """Add the labels of an image as cells, in one undoable step.

        Labels keep their ids, except those that belong to cells already here: these get new ids. A single
        image goes onto the plane on screen.
        """
        movie = self._session.movie
        if movie is None:
            return
        sizes = movie.info.sizes
        shape = (sizes.t, sizes.z, sizes.y, sizes.x)
        self._run(
            f"Importing {path.name}",
            partial(_read_labels, path, shape, self._session.view.key),
            lambda labelled: self._add_labels(movie, path, labelled),
        )

    def export_labels(self, path: Path) -> None:
        """Write all masks as a label TIFF with the movie's axes and scale."""
        movie = self._session.movie
        if movie is None:
            return
        sizes, document = movie.info.sizes, movie.document.snapshot()
        shape = (sizes.t, sizes.z, sizes.y, sizes.x)
        self._run(
            f"Exporting {path.name}",
            partial(_write_labels, path, document, shape),
            lambda _: self._written("Labels", path),
        )

    def export_csv(self, path: Path, cells: Iterable[int] | None = None) -> None:
        """Write the table of masks: frame, id, centroid, area and so on, with units in the header.

        ``cells`` are the ids to write, in this order; all cells when None.
        """
        movie = self._session.movie
        if movie is None:
            return
        document = movie.document.snapshot()
        self._run(
            f"Exporting {path.name}",
            partial(_write_csv, path, document, document.cell_ids if cells is None else list(cells)),
            lambda _: self._written("Table", path),
        )

    def save_as(self, path: Path) -> None:
        """Write the project to another file and go on working there; what is at ``path`` is replaced."""
        movie = self._session.movie
        if movie is None:
            return
        path = path.absolute() if path.suffix == SUFFIX else path.absolute().with_name(path.name + SUFFIX)
        if movie.store is not None and path == movie.store.path:
            self._session.save()
            return
        complete = movie.store is not None and not (self._session.unsaved or self._session.saving.writing)
        copy = movie.store.copy_to if movie.store is not None and complete else _copier(movie)
        missed: list[ChangeSet] = []

        def note(changes: ChangeSet) -> None:
            missed.append(changes)

        def finish() -> None:
            self._session.document_changed.disconnect(note)

        self._session.document_changed.connect(note)

        self._run(
            f"Saving {path.name}",
            partial(_copy_and_open, path, copy),
            lambda store: self._continue_in(movie, store, missed),
            finish,
        )

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
            if isinstance(error, Cancelled):
                self._session.notices.info(str(error))
            else:
                self._session.notices.error(str(error))

        self._session.jobs.runner.run(name, work, succeeded, failed)

    def _written(self, what: str, path: Path) -> None:
        self._session.notices.info(f"{what} written to {path}.")

    def _add_labels(self, movie: OpenMovie, path: Path, labelled: Labelled) -> None:
        if self._session.movie is not movie:
            self._session.notices.warning(f"{path.name} was not imported: its movie was closed meanwhile.")
            return
        new_ids = _assign_ids(labelled, movie.document)
        if not new_ids:
            self._session.notices.warning(f"{path.name} holds no labels: every pixel is 0.")
            return
        edits = [AddTrack(Cell(new_ids[label]), track) for label, track in labelled.items()]
        if not self._session.commit("Import labels", edits):
            return
        changed = sum(old != new for old, new in new_ids.items())
        masks = sum(map(len, labelled.values()))
        text = f"{len(new_ids)} cells with {masks} masks were imported from {path.name}."
        if changed:
            text += f" {changed} of them got new ids, because theirs belong to other cells here."
        self._session.notices.info(text)

    def _continue_in(self, movie: OpenMovie, store: ProjectStore, missed: list[ChangeSet]) -> None:
        if self._session.movie is not movie:
            store.close()
            self._written("Project", store.path)
            return
        try:
            for changes in missed:
                store.save(movie.document, changes)
        except ProjectError as error:
            store.close()
            self._session.notices.error(str(error))
            return
        self._session.saving.adopt(store)
        self._session.opening.remember(store.path)
        self._session.notices.info(f"The project is now {store.path}.")


def _assign_ids(wanted: Iterable[int], document: Document) -> dict[int, int]:
    """The id that each imported label gets: its own when no cell here has it, else one that nobody has."""
    ids = {label: label for label in wanted if label not in document}
    following = max(document.next_id, max(ids, default=0) + 1)
    for label in sorted(wanted):
        if label not in ids:
            ids[label] = following
            following += 1
    return ids


def _read_labels(path: Path, shape: Shape, onto: PlaneKey, progress: Progress) -> Labelled:
    """The records are ready to be added and to be written: the main thread has no pixel to touch."""
    labelled: Labelled = {}
    with collector.paused():
        for label, key, mask in import_labels(path, shape, onto):
            progress(key.t / shape[0])
            assert mask.packed
            labelled.setdefault(label, {})[key] = MaskRecord(mask, Source.IMPORTED)
    return dict(sorted(labelled.items()))


def _write_labels(path: Path, document: Document, shape: Shape, progress: Progress) -> None:
    export_labels(path, document, shape, document.calibration, progress)


def _write_csv(path: Path, document: Document, cells: Sequence[int], progress: Progress) -> None:
    measurements, scale = Measurements(document), document.calibration
    progress.check()
    measured = chain.from_iterable(map(measurements.rows, cells))
    write_table(path, columns(scale), rows_of(measured, document, scale))


def _copier(movie: OpenMovie) -> Callable[[Path], None]:
    """Writes the document as it is now, for a movie whose project file does not exist or is incomplete."""
    document, link = movie.document.snapshot(), movie.link
    return partial(_write_project, document, link)


def _write_project(document: Document, link: MovieLink, path: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        ProjectStore.create(Path(folder) / path.name, link, document.calibration) as store,
    ):
        store.save(document, everything(document))
        store.copy_to(path)


def _copy_and_open(path: Path, copy: Callable[[Path], None], progress: Progress) -> ProjectStore:
    progress.check()
    copy(path)
    return ProjectStore.open(path)
