"""From a project to frames: the masks that a person drew, accepted or has seen, and the prompts placed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.core.records import MaskRecord, Source
from cellsam_desktop.core.wording import counted
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.snapshot import open_snapshot
from training.frames import CellTruth, DataError, Frame, union_of
from training.images import LastImage, TrainingMovie
from training.selection import Candidate, Selection


@dataclass(frozen=True)
class _Records:
    """The masks on a plane, cut to it, by cell: those that are true, and those nobody stands behind."""

    true: Mapping[int, tuple[MaskRecord, Mask]]
    unsure: Mapping[int, tuple[MaskRecord, Mask]]


def load_project(
    selection: Selection, data_set: str, last: LastImage, notice: Callable[[str], None]
) -> list[Frame]:
    """The frames of a project that hold true cells; it may be open in a window.

    True are masks that a person drew, accepted or marked as seen, and all masks of a complete frame.

    Raises:
        ProjectError: it cannot be read.
        DataError: its movie cannot be opened or is another one, or there is no true cell.
    """
    path = selection.path
    with open_snapshot(path) as store:
        document, view, link = store.load(), store.load_view(), store.link
    if store.notice:
        notice(store.notice)
    movie, size = _movie(path, link, view, last)
    inside = [key for key in document.planes() if key.t < size[0] and key.z < size[1]]
    planes = {key: _records(document, key, size[2:]) for key in inside}
    outside = sum(map(document.count_on, document.planes()))
    outside -= sum(len(records.true) + len(records.unsure) for records in planes.values())
    if outside:
        notice(f"Left out of {path.name}, because outside the images: {counted(outside, 'mask')}.")
    keys = [key for key, records in planes.items() if records.true]
    if not keys:
        raise DataError(
            f"{path.name} holds no cell that somebody drew, accepted or marked as seen: curate some first."
        )
    chosen = selection.choose([Candidate(key.t) for key in keys])
    return [
        _frame(data_set, movie, size, keys[place], planes[keys[place]], document.is_complete(keys[place]))
        for place in chosen
    ]


def _movie(
    path: Path, link: MovieLink, view: Mapping[str, Any], last: LastImage
) -> tuple[TrainingMovie, tuple[int, int, int, int]]:
    """The movie as the project was last looked at: its channel, its contrast."""
    channel = view.get("c", 0)
    channel = channel if isinstance(channel, int) else 0
    movie = TrainingMovie(link.path, link.axes, channel, _contrast(view, channel), last)
    try:
        size = movie.size()
    except ImageError as error:
        raise DataError(f"The movie of {path.name} cannot be read: {error}") from error
    if link.sizes and (link.sizes[0], *link.sizes[2:]) != size:
        raise DataError(
            f"{link.path.name} is not the movie that {path.name} was made for: "
            "open the project in the window and show where its movie is."
        )
    return movie, size


def _contrast(view: Mapping[str, Any], channel: int) -> Contrast | None:
    """What was chosen in the window; None where nothing was, or where it is damaged."""
    try:
        return Contrast.from_json(view["contrast"][str(channel)])
    except (KeyError, TypeError, ImageError):
        return None


def _records(document: Document, key: PlaneKey, shape: tuple[int, int]) -> _Records:
    complete = document.is_complete(key)
    true: dict[int, tuple[MaskRecord, Mask]] = {}
    unsure: dict[int, tuple[MaskRecord, Mask]] = {}
    for cell_id in document.cells_on(key):
        record = document.record(cell_id, key)
        if record is not None and (mask := record.mask.clip(*shape)) is not None:
            known = complete or document.is_curated(cell_id, key)
            (true if known else unsure)[cell_id] = (record, mask)
    return _Records(true, unsure)


def _frame(
    data_set: str,
    movie: TrainingMovie,
    size: tuple[int, int, int, int],
    key: PlaneKey,
    records: _Records,
    complete: bool,
) -> Frame:
    cells = [CellTruth(cell_id, mask, _prompts(record)) for cell_id, (record, mask) in records.true.items()]
    return Frame(
        data_set=data_set,
        movie=movie.path.name,
        name=f"frame {key.t}" if size[1] == 1 else f"frame {key.t}, z {key.z}",
        t=key.t,
        z=key.z,
        shape=size[2:],
        cells=tuple(cells),
        complete=complete,
        unsure=_less(
            (mask for _, mask in records.unsure.values()), (mask for _, mask in records.true.values())
        ),
        source=movie,
        source_t=key.t,
    )


def _prompts(record: MaskRecord) -> tuple[Prompts, ...]:
    """What a person placed: those of a propagated mask are the program's own."""
    return () if record.prompts.empty or record.source is Source.PROPAGATED else (record.prompts,)


def _less(masks: Iterable[Mask], others: Iterable[Mask]) -> Mask | None:
    """Pixels of the first masks that none of the others has."""
    left, taken = union_of(masks), union_of(others)
    return left if left is None or taken is None else left.subtract(taken)
