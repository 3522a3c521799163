"""Opening and closing: a movie is read in the background and replaces the old one only when it is ready."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cellsam_desktop.core import collector
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import CellSamError, ProjectError
from cellsam_desktop.curation import locating
from cellsam_desktop.curation.locating import MovieMissing, OpenAlready, Opened, Reread
from cellsam_desktop.curation.open_movie import OpenMovie, masks_stay_in_place
from cellsam_desktop.curation.view_state import KEPT_FIELDS
from cellsam_desktop.jobs.runner import Job, Progress

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session

T = TypeVar("T", bound=Opened | OpenAlready | MovieMissing | Reread)


class Opening:
    """Puts movies in place of each other. ``job`` is the opening under way; a newer one replaces it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._missing: MovieMissing | None = None
        self._closing: list[threading.Thread] = []
        self.job: Job | None = None

    def open(self, path: Path) -> None:
        """Open a movie (a file or a folder) or a project; if anything fails, what is open stays as it is."""
        path = Path(path).expanduser().absolute()
        movie = self._session.movie
        now_open = () if movie is None else (movie.info.path, movie.project_path)
        work = partial(locating.read_anything, path, now_open)
        self._start(f"Opening {path.name}", work, partial(self._take, path))

    def locate(self, movie: Path) -> None:
        """The movie of the project that missed it is at ``movie``."""
        missing = self._missing
        if missing is None:
            return
        work = partial(locating.read_project, missing.project_path, movie=Path(movie).absolute())
        self._start(f"Opening {missing.project_path.name}", work, partial(self._take, missing.project_path))

    def with_axes(self, axes: str) -> None:
        """Interpret the stored axes of the open movie anew, such as "TZYX"; begins a new undo history.

        Refused when a mask would come to lie on another image.
        """
        movie = self._session.movie
        if movie is None or axes == movie.info.stored_axes:
            return
        path = movie.info.path
        self._start(f"Reading {path.name}", partial(locating.read_again, path, axes), self._take_axes)

    def close(self, *, discard_unsaved: bool = False) -> bool:
        """Close the movie; False when its last changes cannot be saved and are not to be discarded."""
        if not self._may_close(discard_unsaved):
            return False
        self._cancel()
        if self._session.movie is not None:
            self._release()
            self._session.movie = None
            self._begin({})
        return True

    def remember(self, path: Path) -> None:
        """Put a path first in the recent list."""
        self._session.settings.remember(path)
        try:
            self._session.settings.save()
        except CellSamError as error:
            self._session.notices.warning(str(error))

    def finish(self, timeout: float = 1.0) -> None:
        """Wait until the files of closed movies are let go."""
        for thread in self._closing:
            thread.join(timeout)

    # -- in the background -------------------------------------------------------------------------

    def _start(self, name: str, work: Callable[[Progress], T], take: Callable[[T], None]) -> None:
        self._cancel()

        def done(answer: T) -> None:
            if self.job is job:
                self.job = None
                take(answer)
            elif isinstance(answer, Opened | Reread):
                answer.close()

        def failed(error: CellSamError) -> None:
            if self.job is job:
                self.job = None
                self._session.notices.failed(error)

        job = self.job = self._session.jobs.runner.run(name, work, done, failed)

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()
            self.job = None

    # -- on the main thread ------------------------------------------------------------------------

    def _take(self, path: Path, answer: Opened | OpenAlready | MovieMissing) -> None:
        if isinstance(answer, OpenAlready):
            self._session.notices.info(f"{path.name} is open already.")
            return
        if isinstance(answer, MovieMissing):
            self._missing = answer
            if answer.remark:
                self._session.notices.warning(answer.remark)
            self._session.movie_missing.emit(answer.project_path, answer.link)
            return
        if not self._may_close(discard=False):
            self._session.notices.warning(
                f"{path.name} was not opened, because it would have replaced work that is not saved: "
                "save that in another place first."
            )
            answer.close()
            return
        self._release()
        self._missing = None
        self._session.movie = answer.movie
        self._begin(answer.view)
        self.remember(path)
        self._report(answer)

    def _take_axes(self, again: Reread) -> None:
        old = self._session.movie
        assert old is not None, "closing the movie drops the job"
        if not masks_stay_in_place(old.document, old.info, again.source.info):
            self._session.notices.warning(
                f"The masks of {old.info.path.name} would lie on other images with the axes {again.axes}: "
                "delete them first, or keep the axes."
            )
            again.close()
            return
        untouched = old.store is None and not self._session.saving.unsaved
        document = Document(again.source.info.calibration) if untouched else old.document
        new = OpenMovie(
            again.source, again.fingerprint, again.axes, again.measured, document, old.store, old.planned_path
        )
        try:
            if new.store is not None:
                new.store.relink(new.link)
        except ProjectError as error:
            self._session.notices.error(str(error))
            again.close()
            return
        self._close_later(old)
        self._session.movie = new
        self._begin({})

    def _may_close(self, discard: bool) -> bool:
        return self._session.movie is None or self._session.saving.flush() or discard

    def _release(self) -> None:
        movie = self._session.movie
        if movie is None:
            return
        collector.spare_none()
        self._session.jobs.planes.open(None)
        if movie.store is not None:
            movie.store.close()
        self._close_later(movie)

    def _begin(self, stored_view: Mapping[str, Any]) -> None:
        """Begin with the movie now in place: set the view silently, announce the movie, then the view."""
        movie, view = self._session.movie, self._session.view
        with view.changed.blocked():
            view.from_json(stored_view)
            if movie is not None:
                index = movie.clamp(view.index)
                measured = dict(enumerate(movie.measured))
                kept = {c: contrast for c, contrast in view.contrast.items() if c in measured}
                selection = tuple(i for i in view.selection if i in movie.document)
                view.set(t=index.t, c=index.c, z=index.z, contrast=measured | kept, selection=selection)
        self._session.movie_changed.emit()
        view.changed.emit(KEPT_FIELDS)
        self._session.saving.begin()
        collector.spare_all()

    def _report(self, opened: Opened) -> None:
        if opened.remark:
            self._session.notices.info(opened.remark)
        if opened.movie.store is not None and opened.movie.store.notice:
            self._session.notices.warning(opened.movie.store.notice)

    def _close_later(self, movie: OpenMovie) -> None:
        """Closing waits for a plane being read, which the main thread must not."""
        thread = threading.Thread(target=movie.source.close, name="close-movie", daemon=True)
        thread.start()
        self._closing = [thread, *(other for other in self._closing if other.is_alive())]
