"""Every accepted action goes to the project file at once; what could not be written is written later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.errors import CellSamError, ProjectError
from cellsam_desktop.curation.background_write import BULK, BackgroundWrite
from cellsam_desktop.project.store import ProjectStore, everything

if TYPE_CHECKING:
    from cellsam_desktop.curation.open_movie import OpenMovie
    from cellsam_desktop.curation.session import Session

# A view that changes all the time (playing, zooming) is written at most once in so many seconds.
_VIEW_PERIOD_S = 2.0

_NOTHING_LOST = (
    "Nothing is lost: it stays in this window, and the next change or Save writes everything that is "
    "missing. Save As writes it to another place."
)


class Saving:
    """Keeps the project file of the open movie up to date.

    The file comes into being with the first change, so that looking at a movie writes nothing. A transaction
    of very many masks is written in the background, and what is accepted meanwhile right after it.
    ``changed`` is emitted when ``unsaved`` or ``writing`` changed or the movie got another project file.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._view_dirty = False
        self._view_due = 0.0
        self._write: BackgroundWrite | None = None
        self._meanwhile = ChangeSet()
        self.unsaved = False
        session.view.changed.connect(self._on_view)

    @property
    def writing(self) -> bool:
        """Whether a change is on its way to the file in the background."""
        return self._write is not None

    def record(self, changes: ChangeSet) -> bool:
        """Write what a transaction changed; False (and a notice) when it could not be written."""
        movie = self._session.movie
        assert movie is not None
        changes = self._meanwhile | changes
        self._meanwhile = changes if self.writing else ChangeSet()
        if self.writing:
            return True
        try:
            if movie.store is None:
                changes = everything(movie.document)
                movie.store = self._begin_project(movie)
            missing = movie.store.backlog | changes
            if missing.mask_count > BULK:
                self._write_in_background(BackgroundWrite(movie.store, movie.document, missing))
                return True
            movie.store.save(movie.document, changes)
        except ProjectError as error:
            self._fail(error)
            return False
        self._set_unsaved(False)
        self.save_view()
        return True

    def save(self) -> bool:
        """Write everything that is missing, and the view; begins a project even if nothing was done yet."""
        movie = self._session.movie
        if movie is None or not self.record(ChangeSet()):
            return False
        where = "Saving in" if self.writing else "Saved in"
        self._session.notices.info(f"{where} {movie.project_path}.")
        return True

    def flush(self) -> bool:
        """Before the movie closes: write what is missing, and the view. False when work would be lost."""
        while self._write is not None:
            self._write.wait()
            self._finish(self._write)
        if self.unsaved:
            return self.record(ChangeSet())
        self.save_view()
        return True

    def save_view(self) -> None:
        """Write how the movie is looked at, if it has a project and the view changed."""
        movie = self._session.movie
        if movie is None or movie.store is None or not self._view_dirty or self.writing:
            return
        self._view_dirty = False
        try:
            movie.store.save_view(self._session.view.to_json())
        except ProjectError as error:
            self._session.notices.warning(f"The view could not be saved: {error}")

    def tick(self, now: float) -> None:
        """Called regularly with the time in seconds; writes a changed view now and then."""
        if self._view_dirty and now >= self._view_due:
            self._view_due = now + _VIEW_PERIOD_S
            self.save_view()

    def adopt(self, store: ProjectStore) -> None:
        """Go on in another project file, which holds everything; the present one is closed."""
        movie = self._session.movie
        assert movie is not None
        if movie.store is not None:
            movie.store.close()
        movie.store = store
        self._write, self._meanwhile = None, ChangeSet()
        self.unsaved, self._view_dirty = False, True
        self.save_view()
        self.changed.emit()

    def begin(self) -> None:
        """Another movie is open, or none: nothing of it is unsaved."""
        self._view_dirty = False
        self._write, self._meanwhile = None, ChangeSet()
        self._set_unsaved(False)

    def _begin_project(self, movie: OpenMovie) -> ProjectStore:
        store = ProjectStore.create(movie.planned_path, movie.link, movie.document.calibration)
        self._view_dirty = True
        self.changed.emit()
        return store

    def _write_in_background(self, write: BackgroundWrite) -> None:
        self._write = write
        self.changed.emit()
        self._session.jobs.runner.run(
            write.name, write.run, lambda _: self._finish(write), lambda _: self._finish(write)
        )

    def _finish(self, write: BackgroundWrite) -> None:
        """After a write in the background: write what came meanwhile."""
        if self._write is not write:
            return
        self._write = None
        if write.error is not None:
            self._fail(write.error)
            return
        self.record(ChangeSet())
        self.changed.emit()

    def _fail(self, error: CellSamError) -> None:
        self._set_unsaved(True)
        self._session.notices.error(str(error), _NOTHING_LOST)

    def _set_unsaved(self, unsaved: bool) -> None:
        if unsaved != self.unsaved:
            self.unsaved = unsaved
            self.changed.emit()

    def _on_view(self, names: frozenset[str]) -> None:
        self._view_dirty = True
