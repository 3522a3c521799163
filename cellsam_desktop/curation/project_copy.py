"""The project under another name: a job writes the copy, and what happens meanwhile is written after it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.curation.open_movie import OpenMovie
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.schema import SUFFIX
from cellsam_desktop.project.store import ProjectStore, everything

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


class SaveAs:
    """``run`` starts a job: name, work, what to do with its answer, what to do in any case."""

    def __init__(self, session: Session, run: Callable[..., None]) -> None:
        self._session = session
        self._run = run

    def start(self, path: Path) -> None:
        """Write the project to another file and go on working there; what is at ``path`` is replaced."""
        movie = self._session.movie
        if movie is None:
            return
        path = path.absolute() if path.suffix == SUFFIX else path.absolute().with_name(path.name + SUFFIX)
        if movie.store is not None and path == movie.store.path:
            self._session.save()
            return
        copy = copier(self._session, movie)
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

    def _continue_in(self, movie: OpenMovie, store: ProjectStore, missed: list[ChangeSet]) -> None:
        if self._session.movie is not movie:
            store.close()
            self._session.notices.info(f"Project written to {store.path}.")
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


def copier(session: Session, movie: OpenMovie) -> Callable[[Path], None]:
    """What writes a copy of the project of the open movie as it is now; to be called on a thread."""
    if movie.store is not None and not (session.unsaved or session.saving.writing):
        return movie.store.copy_to
    # The file does not exist or is incomplete.
    return partial(_write_project, movie.document.snapshot(), movie.link, session.view.to_json())


def _write_project(document: Document, link: MovieLink, view: dict[str, Any], path: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        ProjectStore.create(Path(folder) / path.name, link, document.calibration) as store,
    ):
        store.save(document, everything(document))
        store.save_view(view)
        store.copy_to(path)


def _copy_and_open(path: Path, copy: Callable[[Path], None], progress: Progress) -> ProjectStore:
    progress.check()
    copy(path)
    return ProjectStore.open(path)
