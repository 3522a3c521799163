"""Every accepted action goes to the project file at once; what could not be written is written later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.errors import ProjectError
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

    The file comes into being with the first change, so that looking at a movie writes nothing.
    ``changed`` is emitted when ``unsaved`` changed or the movie got another project file.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._view_dirty = False
        self._view_due = 0.0
        self.unsaved = False
        session.view.changed.connect(self._on_view)

    def record(self, changes: ChangeSet) -> bool:
        """Write what a transaction changed; False (and a notice) when it could not be written."""
        movie = self._session.movie
        assert movie is not None
        try:
            self._write(movie, changes)
        except ProjectError as error:
            self._set_unsaved(True)
            self._session.notices.error(str(error), _NOTHING_LOST)
            return False
        self._set_unsaved(False)
        self.save_view()
        return True

    def save(self) -> bool:
        """Write everything that is missing, and the view; begins a project even if nothing was done yet."""
        movie = self._session.movie
        if movie is None or not self.record(ChangeSet()):
            return False
        self._session.notices.info(f"Saved in {movie.project_path}.")
        return True

    def flush(self) -> bool:
        """Before the movie closes: write what is missing, and the view. False when work would be lost."""
        if self.unsaved:
            return self.record(ChangeSet())
        self.save_view()
        return True

    def save_view(self) -> None:
        """Write how the movie is looked at, if it has a project and the view changed."""
        movie = self._session.movie
        if movie is None or movie.store is None or not self._view_dirty:
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
        self.unsaved, self._view_dirty = False, True
        self.save_view()
        self.changed.emit()

    def begin(self) -> None:
        """Another movie is open, or none: nothing of it is unsaved."""
        self._view_dirty = False
        self._set_unsaved(False)

    def _write(self, movie: OpenMovie, changes: ChangeSet) -> None:
        if movie.store is not None:
            movie.store.save(movie.document, changes)
            return
        movie.store = ProjectStore.create(movie.planned_path, movie.link, movie.document.calibration)
        self._view_dirty = True
        self.changed.emit()
        movie.store.save(movie.document, everything(movie.document))

    def _set_unsaved(self, unsaved: bool) -> None:
        if unsaved != self.unsaved:
            self.unsaved = unsaved
            self.changed.emit()

    def _on_view(self, names: frozenset[str]) -> None:
        self._view_dirty = True
