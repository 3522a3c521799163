"""The verb ``track``: cells known on one frame are carried to the end of the movie, divisions included."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cellsam_desktop.analysis.carried import Carried, Image, NextFrame, Young
from cellsam_desktop.analysis.propagation import carry, looks_needed
from cellsam_desktop.core.errors import CellSamError, ExchangeError
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey, Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.images.contrast import measure_contrast, model_view
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource, MovieInfo
from cellsam_desktop.project.exporters.ctc import check_folder, export_ctc
from cellsam_desktop.project.exporters.writing import write_json
from cellsam_desktop.project.importers.labels import import_labels
from cellsam_desktop.project.importers.tracks import Tracks, document_of


@dataclass(frozen=True)
class TrackTask:
    """What to follow and where to write it; see ``tracking_cli.add_track_parser``."""

    movie: Path
    start: Path
    out: Path
    start_frame: int = 0
    z: int = 0
    channel: int = 0
    model: str | None = None
    decoder: str | None = None
    divisions: bool = True
    summary: Path | None = None


@dataclass(frozen=True)
class Event:
    """What happened to a cell on a frame: lost, with the ``reason``, or divided into ``daughters``."""

    frame: int
    cell: int
    reason: str | None = None
    daughters: tuple[int, int] | None = None
    confidence: float | None = None


@dataclass
class Followed:
    """Masks by cell and frame, and what happened on the way."""

    masks: dict[int, dict[int, Mask]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def divisions(self) -> dict[int, tuple[int, int]]:
        """Daughters by mother."""
        return {event.cell: event.daughters for event in self.events if event.daughters is not None}


class Follower:
    """Carries cells frame by frame; ids of daughters come after the largest id of the start."""

    def __init__(
        self, model: HeadlessModel, image: Image, start: Mapping[int, Mask], frame: int, *, divisions: bool
    ) -> None:
        self.followed = Followed({cell_id: {frame: mask} for cell_id, mask in start.items()})
        self._model = model
        self._image = image
        self._divisions = divisions
        self._cells = [Carried(cell_id, mask) for cell_id, mask in start.items()]
        self._young: list[Young] = []
        self._next_id = max(start, default=0) + 1

    @property
    def cells(self) -> int:
        """How many cells are there still."""
        return len(self._cells)

    def go_on(self, frame: int, image: Image) -> None:
        """Carry all cells to the next ``image`` (height, width, 3).

        Raises:
            ModelError: the model cannot be used.
        """
        plane = Region.whole(*image.shape[:2])
        needed = looks_needed(plane, self._cells)
        found = carry(
            self._model.decoder,
            {region: self._model.look(image, region) for region in needed},
            self._cells,
            plane=plane,
            image=image,
            previous_image=self._image,
            divisions=self._divisions,
            young=self._young,
        )
        self._image = image
        for young in found.undone:
            self._undo(frame - 1, young)
        self._young = []
        self._cells = list(self._kept(frame, found))

    def _undo(self, frame: int, young: Young) -> None:
        """Give the mother back what her daughters have on ``frame``, on which they were born."""
        mother, followed = young.mother, self.followed
        followed.masks[mother.cell_id][frame] = mother.mask
        for daughter in young.daughters:
            del followed.masks[daughter]
        followed.events = [event for event in followed.events if event.daughters != young.daughters]
        self._cells.append(mother)

    def _kept(self, frame: int, found: NextFrame) -> Iterator[Carried]:
        before = {cell.cell_id: cell for cell in self._cells}
        events = self.followed.events
        for placed in found.placed:
            self.followed.masks[placed.cell_id][frame] = placed.mask
            yield before[placed.cell_id].then(placed)
        for split in found.splits:
            daughters = (self._next_id, self._next_id + 1)
            self._next_id += 2
            events.append(Event(frame, split.mother, None, daughters, round(split.confidence, 3)))
            for cell_id, mask in zip(daughters, split.masks, strict=True):
                self.followed.masks[cell_id] = {frame: mask}
                yield Carried(cell_id, mask)
            self._young.append(Young.of(before[split.mother], daughters, split.masks))
        events.extend(Event(frame, lost.cell_id, lost.reason) for lost in found.lost)


def track(task: TrackTask) -> None:
    """Carry out the task: write the Cell Tracking Challenge's layout, and say what was found.

    Frames before the start frame stay empty. Progress goes to standard error. What was followed until an
    error is written as well.

    Raises:
        CellSamError: a file, frame or model is not as it should be.
    """
    if task.summary is not None and not task.summary.absolute().parent.is_dir():
        raise ExchangeError(
            f"The folder {task.summary.absolute().parent} does not exist: make it or choose another."
        )
    with open_source(task.movie) as source:
        start = _read_start(task, source.info)
        model = HeadlessModel.load(task.model, task.decoder)
        check_folder(task.out)
        followed = _follow(task, source, model, start)
        info = source.info
    _write(task, info, followed)
    lost = sum(event.reason is not None for event in followed.events)
    print(
        f"{counted(len(followed.masks), 'cell')} with {counted(len(followed.divisions), 'division')} "
        f"on {counted(info.sizes.t, 'frame')}, {lost} of them lost before the end, written to {task.out}."
    )


def _follow(
    task: TrackTask, source: ImageSource, model: HeadlessModel, start: Mapping[int, Mask]
) -> Followed:
    contrast = measure_contrast(source, task.channel)

    def image(t: int) -> Image:
        return model_view(source.read_plane(PlaneIndex(t, task.channel, task.z)), contrast)

    follower = Follower(model, image(task.start_frame), start, task.start_frame, divisions=task.divisions)
    for t in range(task.start_frame + 1, source.info.sizes.t):
        try:
            follower.go_on(t, image(t))
        except CellSamError as error:
            if t == task.start_frame + 1:
                raise
            _write(task, source.info, follower.followed)
            raise type(error)(f"{error} The cells up to frame {t - 1} are written to {task.out}.") from error
        print(f"Frame {t} of {source.info.sizes.t - 1}: {follower.cells} cells", file=sys.stderr, flush=True)
        if not follower.cells:
            break
    return follower.followed


def _read_start(task: TrackTask, info: MovieInfo) -> dict[int, Mask]:
    sizes = info.sizes
    if not 0 <= task.start_frame < sizes.t:
        raise ExchangeError(
            f"{task.movie.name} has frames 0 to {sizes.t - 1}, so cells cannot start on frame "
            f"{task.start_frame}: choose another with --start-frame."
        )
    if not (0 <= task.z < sizes.z and 0 <= task.channel < sizes.c):
        raise ExchangeError(
            f"{task.movie.name} has z positions 0 to {sizes.z - 1} and channels 0 to {sizes.c - 1}: "
            "choose one of them with --z and --channel."
        )
    place = PlaneKey(task.start_frame, task.z)
    labels = import_labels(task.start, sizes.tzyx, place)
    start = {cell_id: mask for cell_id, key, mask in labels if key == place}
    if not start:
        raise ExchangeError(
            f"{task.start.name} holds no cell for frame {task.start_frame}: choose labels with cells there."
        )
    return start


def _write(task: TrackTask, info: MovieInfo, followed: Followed) -> None:
    masks = {
        cell_id: {PlaneKey(t, task.z): mask for t, mask in frames.items()}
        for cell_id, frames in followed.masks.items()
    }
    tracks = Tracks(masks, divisions=followed.divisions)
    export_ctc(task.out, document_of(tracks, info.calibration), info.sizes.tzyx)
    if task.summary is None:
        return
    facts = [
        {name: value for name, value in asdict(event).items() if value is not None}
        for event in followed.events
    ]
    write_json(task.summary, facts)
