"""Find and read what belongs together: a movie and its project. Runs inside a job, off the main thread."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ProjectError
from cellsam_desktop.curation.open_movie import OpenMovie
from cellsam_desktop.images.contrast import Contrast, measure_contrast
from cellsam_desktop.images.fingerprint import fingerprint
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource
from cellsam_desktop.jobs.runner import Progress
from cellsam_desktop.project.link import MovieLink, project_path_for
from cellsam_desktop.project.schema import SUFFIX
from cellsam_desktop.project.store import ProjectStore

# Contrast is measured on at most so many planes, shared among the channels.
_CONTRAST_PLANES = 32


@dataclass
class Opened:
    """A movie read and ready to be shown; ``close`` it if it is not taken over."""

    movie: OpenMovie
    view: dict[str, Any] = field(default_factory=dict)
    remark: str = ""

    def close(self) -> None:
        """Release movie and project."""
        self.movie.source.close()
        if self.movie.store is not None:
            self.movie.store.close()


@dataclass(frozen=True)
class MovieMissing:
    """A project whose movie is not where the project expects it, or not that movie any more (``remark``)."""

    project_path: Path
    link: MovieLink
    remark: str = ""


@dataclass(frozen=True)
class OpenAlready:
    """What was to be opened is what is open, perhaps by another name such as a link."""


@dataclass(frozen=True)
class Reread:
    """An open movie with its axes interpreted anew."""

    source: ImageSource
    fingerprint: str
    axes: str
    measured: tuple[Contrast, ...]

    def close(self) -> None:
        """Release the movie."""
        self.source.close()


def is_project(path: Path) -> bool:
    """Whether a path names a project rather than a movie."""
    return path.suffix.lower() == SUFFIX


def read_anything(
    path: Path, now_open: Collection[Path], progress: Progress
) -> Opened | OpenAlready | MovieMissing:
    """Open a movie with its project, or a project with its movie; ``now_open`` are those in the window.

    Raises:
        ImageError, ProjectError: with one sentence; nothing stays open.
    """
    if path.resolve() in [other.resolve() for other in now_open]:
        return OpenAlready()
    if is_project(path):
        return read_project(path, progress)
    return read_movie(path, progress)


def read_movie(path: Path, progress: Progress) -> Opened:
    """Open a movie and the project that was made of it, if there is one; new projects go to the user's
    documents when the movie's own folder cannot be written to.
    """
    documents = paths.documents_dir()
    project_path = project_path_for(path, documents)
    with ExitStack() as undo:
        store = _existing(project_path, undo)
        source = undo.enter_context(open_source(path, store.link.axes if store else None))
        progress.check()
        digest = fingerprint(source)
        if store is not None and store.link.fingerprint not in ("", digest):
            raise ProjectError(
                f"{project_path} was not made of this {path.name} but of another movie: rename or move the "
                "project, then open the movie again."
            )
        opened = _assemble(source, digest, store, project_path, progress)
        if store is not None and store.link != opened.movie.link:
            store.relink(opened.movie.link)
        if store is None and project_path.parent == documents:
            opened.remark = (
                f"The folder of {path.name} cannot be written to: what you do is saved in {project_path}."
            )
        undo.pop_all()
        return opened


def read_project(path: Path, progress: Progress, movie: Path | None = None) -> Opened | MovieMissing:
    """Open a project and its movie, which may have been found at ``movie``.

    Raises:
        ProjectError: ``movie`` is another movie than the project's.
    """
    with ExitStack() as undo:
        store = ProjectStore.open(path)
        undo.callback(store.close)
        place = movie or store.link.path
        if not place.exists():
            return MovieMissing(path, store.link)
        source = undo.enter_context(open_source(place, store.link.axes))
        progress.check()
        digest = fingerprint(source)
        if store.link.fingerprint not in ("", digest):
            if movie is None:
                remark = f"{place} is not the movie any more of which {path.name} was made."
                return MovieMissing(path, store.link, remark)
            raise ProjectError(
                f"{place.name} is another movie than {store.link.path.name}, of which {path.name} was made: "
                f"choose {store.link.path.name} itself, wherever it is now."
            )
        opened = _assemble(source, digest, store, path, progress)
        if opened.movie.link != store.link:
            store.relink(opened.movie.link)
        if movie is not None:
            opened.remark = f"{path.name} now uses the movie at {source.info.path}."
        undo.pop_all()
        return opened


def read_again(path: Path, axes: str, progress: Progress) -> Reread:
    """Open a movie that is open already, with other axes.

    Raises:
        ImageError: the axes do not fit the file.
    """
    with ExitStack() as undo:
        source = undo.enter_context(open_source(path, axes))
        again = Reread(source, fingerprint(source), axes, _measure(source, progress))
        undo.pop_all()
        return again


def _assemble(
    source: ImageSource, digest: str, store: ProjectStore | None, project_path: Path, progress: Progress
) -> Opened:
    measured = _measure(source, progress)
    document = Document(source.info.calibration) if store is None else store.load(progress)
    axes = store.link.axes if store else None
    movie = OpenMovie(source, digest, axes, measured, document, store, project_path)
    return Opened(movie, {} if store is None else store.load_view())


def _measure(source: ImageSource, progress: Progress) -> tuple[Contrast, ...]:
    """The contrast of every channel over the whole movie."""
    channels = source.info.sizes.c
    frames = max(1, min(8, _CONTRAST_PLANES // channels))
    contrasts = []
    for c in range(channels):
        progress.check()
        contrasts.append(measure_contrast(source, c, frames=frames))
    return tuple(contrasts)


def _existing(project_path: Path, undo: ExitStack) -> ProjectStore | None:
    if not project_path.exists():
        return None
    store = ProjectStore.open(project_path)
    undo.callback(store.close)
    return store
