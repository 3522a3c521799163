"""A movie that is open: its images, its document, and where both are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cellsam_desktop.analysis.series import Measurements
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey, Region
from cellsam_desktop.core.history import History
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.images.source import ImageSource, MovieInfo
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore


@dataclass(eq=False)
class OpenMovie:
    """The parts of an open movie that live and end together.

    ``store`` is None until something was committed: looking at a movie writes nothing; ``planned_path`` is
    where it will be. ``measured`` is the contrast of each channel over the whole movie; ``axes`` are the
    curator's correction, if any.
    """

    source: ImageSource
    fingerprint: str
    axes: str | None
    measured: tuple[Contrast, ...]
    document: Document
    store: ProjectStore | None
    planned_path: Path
    history: History = field(init=False)
    measurements: Measurements = field(init=False)

    def __post_init__(self) -> None:
        self.history = History(self.document)
        self.measurements = Measurements(self.document)

    @property
    def info(self) -> MovieInfo:
        """Description of the movie."""
        return self.source.info

    @property
    def project_path(self) -> Path:
        """The project file, whether it exists already or will with the first change."""
        return self.planned_path if self.store is None else self.store.path

    @property
    def frame_region(self) -> Region:
        """All pixels of a plane."""
        return Region.whole(self.info.sizes.y, self.info.sizes.x)

    @property
    def link(self) -> MovieLink:
        """How a project names this movie."""
        return MovieLink(self.info.path, self.fingerprint, self.axes, self.info.sizes.tczyx)

    def clamp(self, index: PlaneIndex) -> PlaneIndex:
        """The nearest plane that exists."""
        sizes = self.info.sizes
        lengths = (sizes.t, sizes.c, sizes.z)
        return PlaneIndex(*(min(max(i, 0), length - 1) for i, length in zip(index, lengths, strict=True)))


def masks_stay_in_place(document: Document, old: MovieInfo, new: MovieInfo) -> bool:
    """Whether every mask, and every mark of a plane, keeps lying on the image it was made for when the axes
    of a movie are read anew.
    """
    return all(_stays(key, old, new) for key in document.complete.union(document.planes()))


def _stays(key: PlaneKey, old: MovieInfo, new: MovieInfo) -> bool:
    if key.t >= new.sizes.t or key.z >= new.sizes.z:
        return False
    value = {"T": key.t, "Z": key.z}
    before = [letter for letter in old.stored_axes if letter not in "YXS"]
    after = [letter for letter in new.stored_axes if letter not in "YXS"]
    pairs = zip(before, after, strict=False)
    return all(value[a] == value[b] for a, b in pairs if a in value and b in value)
