"""One curator at one movie: the movie, how it is viewed, and everything that can be done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from psygnal import Signal

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.edits import Edit
from cellsam_desktop.core.errors import CellSamError, EditRefused
from cellsam_desktop.curation.acting import Acting
from cellsam_desktop.curation.agenda import Agenda
from cellsam_desktop.curation.colouring import Colouring
from cellsam_desktop.curation.comparing import Comparing
from cellsam_desktop.curation.decoders import Decoders
from cellsam_desktop.curation.dividing import Dividing
from cellsam_desktop.curation.editing import Editing
from cellsam_desktop.curation.encoding import Encoding
from cellsam_desktop.curation.exchange import Exchange
from cellsam_desktop.curation.jobs_bundle import Jobs
from cellsam_desktop.curation.linking import Linking
from cellsam_desktop.curation.measuring import Measuring
from cellsam_desktop.curation.memory import Memory
from cellsam_desktop.curation.navigation import Navigation
from cellsam_desktop.curation.notices import Notices
from cellsam_desktop.curation.open_movie import OpenMovie
from cellsam_desktop.curation.opening import Opening
from cellsam_desktop.curation.painting import Painting
from cellsam_desktop.curation.prompting import Prompting
from cellsam_desktop.curation.propagating import Propagating
from cellsam_desktop.curation.questions import Questions
from cellsam_desktop.curation.reviewing import Reviewing
from cellsam_desktop.curation.saving import Saving
from cellsam_desktop.curation.tools import ToolController
from cellsam_desktop.curation.tracks import Tracks
from cellsam_desktop.curation.training import Training
from cellsam_desktop.curation.view_state import ViewState
from cellsam_desktop.jobs.post import Post
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.settings import Settings

__all__ = ["Jobs", "Session"]


class Session:
    """The use cases and the state they share; everything runs on the main thread.

    ``movie_changed`` follows every opening and closing. ``document_changed`` forwards the document's
    changes after they were saved. ``movie_missing`` asks where the movie of a project is now; answer
    with ``locate_movie``.
    """

    movie_changed = Signal()
    document_changed = Signal(ChangeSet)
    movie_missing = Signal(Path, MovieLink)

    def __init__(self, settings: Settings, post: Post, *, jobs: Jobs) -> None:
        self.settings = settings
        self.post = post
        self.jobs = jobs
        self.movie: OpenMovie | None = None
        self.notices = Notices()
        self.view = ViewState(
            opacity=settings.opacity, trail=settings.trail_frames, brush_radius=settings.brush_radius
        )
        self.saving = Saving(self)
        self.colouring = Colouring(self)
        self.navigation = Navigation(self)
        self.encoding = Encoding(self)
        self.decoders = Decoders(self)
        self.memory = Memory(self)
        self.questions = Questions(self)
        self.opening = Opening(self)
        self.exchange = Exchange(self)
        self.measuring = Measuring(self)
        self.prompting = Prompting(self)
        self.agenda = Agenda(self)  # after the draft, which is the first thing on it
        self.acting = Acting(self)
        self.editing = Editing(self)
        self.tracks = Tracks(self)
        self.linking = Linking(self)
        self.painting = Painting(self)
        self.dividing = Dividing(self)
        self.tools = ToolController(self)
        self.propagating = Propagating(self)
        self.reviewing = Reviewing(self)
        self.training = Training(self)
        self.comparing = Comparing(self)

    # -- the movie ---------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Open a movie (file or folder) or a project, in the background; see ``Opening.open``."""
        self.opening.open(path)

    def open_with_axes(self, axes: str) -> None:
        """Interpret the stored axes of the open movie anew, such as "TZYX"; see ``Opening.with_axes``."""
        self.opening.with_axes(axes)

    def locate_movie(self, path: Path) -> None:
        """Answer to ``movie_missing``: the movie is at ``path``, which is checked."""
        self.opening.locate(path)

    def close_movie(self, *, discard_unsaved: bool = False) -> bool:
        """Close the movie; False (and a notice) when its last changes cannot be saved."""
        return self.opening.close(discard_unsaved=discard_unsaved)

    def shutdown(self, *, discard_unsaved: bool = False) -> bool:
        """Close the movie, keep the settings, end all jobs; False when changes cannot be saved."""
        if not self.close_movie(discard_unsaved=discard_unsaved):
            return False
        self.settings.opacity = self.view.opacity
        self.settings.trail_frames = self.view.trail
        self.settings.brush_radius = self.view.brush_radius
        try:
            self.settings.save()
        except CellSamError as error:
            self.notices.warning(str(error))
        self.training.shutdown()
        self.comparing.cancel()
        self.jobs.stop()
        self.opening.finish()
        return True

    # -- the document ------------------------------------------------------------------------------

    def commit(self, name: str, edits: Iterable[Edit], group: object | None = None) -> bool:
        """Apply a transaction and save it; False (and a notice) when an edit was refused.

        Transactions in a row with the same ``group`` are one step of undo. When saving fails the transaction
        stays, see ``unsaved``.
        """
        assert self.movie is not None, "there is nothing to change without a movie"
        try:
            changes = self.movie.history.commit(name, edits, group)
        except EditRefused as error:
            self.notices.warning(str(error))
            return False
        self._finish(changes)
        return True

    def undo(self) -> None:
        """Take back the last transaction, go where it was, and select what came back."""
        self.dividing.cancel()
        if self.movie is not None:
            self._travel(self.movie.history.undo)

    def redo(self) -> None:
        """Apply the last transaction taken back again, go where it was, and select what came back."""
        if self.movie is not None:
            self._travel(self.movie.history.redo)

    def save(self) -> bool:
        """Write whatever is not saved yet; False (and a notice) when that fails."""
        return self.saving.save()

    @property
    def unsaved(self) -> bool:
        """Whether there are changes that could not be written; see ``saving.changed``."""
        return self.saving.unsaved

    def tick(self, now: float) -> None:
        """To be called now and then, often while playing, with the time in seconds."""
        self.navigation.tick(now)
        self.saving.tick(now)

    def _travel(self, move: Callable[[], ChangeSet | None]) -> None:
        try:
            changes = move()
        except EditRefused as error:
            self.notices.warning(str(error))
            return
        if changes is None:
            return
        self._finish(changes)
        self._go_where(changes)

    def _finish(self, changes: ChangeSet) -> None:
        """Save, drop cells that are gone from the selection, and tell everybody."""
        assert self.movie is not None
        self.saving.record(changes)
        document = self.movie.document
        self.view.set(selection=tuple(i for i in self.view.selection if i in document))
        self.document_changed.emit(changes)

    def _go_where(self, changes: ChangeSet) -> None:
        assert self.movie is not None
        document, view = self.movie.document, self.view
        planes = changes.planes | changes.complete
        if planes and view.key not in planes:
            nearest = min(planes, key=lambda key: (abs(key.t - view.t), abs(key.z - view.z), key))
            self.navigation.show(t=nearest.t, z=nearest.z)
        came_back = {i for i, keys in changes.places.items() if not keys.isdisjoint(document.track(i))}
        chosen = came_back or {i for i in changes.touched_cells if i in document}
        if chosen:
            view.set(selection=tuple(sorted(chosen)))
