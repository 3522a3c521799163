"""The verb ``segment``: one plane, prompts from a file, labels, metrics and single masks to files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey, Region
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.headless_accepted import Accepted
from cellsam_desktop.curation.headless_model import AS_IN_THE_WINDOW, Found, HeadlessModel, Way
from cellsam_desktop.curation.headless_prompts import Entry, choose_frame, read_prompts, refuse_outside
from cellsam_desktop.images.contrast import measure_contrast, model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource, MovieInfo
from cellsam_desktop.project.exporters.coco import annotation, write_coco
from cellsam_desktop.project.exporters.labels import label_dtype, paint, write_labels
from cellsam_desktop.project.exporters.writing import write_json


@dataclass(frozen=True)
class SegmentTask:
    """What to segment and where to write it; see ``headless.add_segment_parser``."""

    image: Path
    prompts: Path
    out: Path
    model: str | None = None
    decoder: str | None = None
    frame: int | None = None
    z: int = 0
    channel: int = 0
    accepted: Path | None = None
    way: Way = AS_IN_THE_WINDOW
    metrics: Path | None = None
    coco: Path | None = None


def segment(task: SegmentTask) -> int:
    """Carry the task out; the result is the exit code.

    Raises:
        CellSamError: a file, prompt, frame or model is not as it should be.
    """
    entries = read_prompts(task.prompts)
    _refuse_missing_folders(task)
    with open_source(task.image) as source:
        info = source.info
        frame = choose_frame(entries, task.frame, info.sizes.t, task.prompts)
        refuse_outside(entries, info.sizes.y, info.sizes.x, task.prompts)
        accepted = _read_accepted(task, info, frame)
        model = HeadlessModel.load(task.model, task.decoder)
        image = read_model_image(source, PlaneIndex(frame, task.channel, task.z))
    chosen = [entry for entry in entries if entry.frame in (None, frame)]
    found = [model.find(image, cell.prompts, accepted.knowledge(cell.id), task.way) for cell in chosen]
    _write(task, info, chosen, found)
    _report(task, frame, entries, chosen, found)
    return 0


def read_model_image(source: ImageSource, index: PlaneIndex) -> NDArray[np.uint8]:
    """A plane as the encoder sees it, (height, width, 3), with the contrast of the whole movie.

    Raises:
        ImageError: there is no such plane, or it cannot be read.
    """
    plane = source.read_plane(index)
    return model_image(plane, measure_contrast(source, index.c))


def metrics_of(entry: Entry, found: Found) -> dict[str, Any]:
    """One entry of METRICS: ``centroid`` [x, y]; ``box`` [left, top, right, bottom], its last pixels.

    ``look`` is added where the mask was found in a part of the image: that part, as a box.
    """
    mask = found.mask
    facts: dict[str, Any] = {"id": entry.id, "predicted_iou": found.predicted_iou}
    if found.crop is not None:
        facts["look"] = _corners(found.crop)
    if mask is None:
        return {**facts, "area": 0, "centroid": None, "box": None}
    return {**facts, "area": mask.area, "centroid": list(mask.centroid), "box": _corners(mask.region)}


def _corners(region: Region) -> list[int]:
    return [region.x0, region.y0, region.x1 - 1, region.y1 - 1]


def _read_accepted(task: SegmentTask, info: MovieInfo, frame: int) -> Accepted:
    if task.accepted is None:
        return Accepted()
    return Accepted.read(task.accepted, info.sizes.tzyx, PlaneKey(frame, task.z))


def _write(task: SegmentTask, info: MovieInfo, entries: Sequence[Entry], found: Sequence[Found]) -> None:
    height, width = info.sizes.y, info.sizes.x
    dtype = label_dtype([entry.id for entry in entries])
    pairs = list(zip(entries, found, strict=True))
    layers = [(entry.id, cell.mask, cell.predicted_iou) for entry, cell in pairs if cell.mask is not None]
    labels = paint(layers, height, width, dtype)
    write_labels(task.out, [labels], (1, 1, height, width), dtype, Calibration(info.pixel_size_um))
    if task.metrics is not None:
        write_json(task.metrics, [metrics_of(entry, cell) for entry, cell in pairs])
    if task.coco is not None:
        image = {"id": 1, "file_name": task.image.name, "height": height, "width": width}
        masks = [annotation(entry.id, cell.mask, height, width, cell.predicted_iou) for entry, cell in pairs]
        write_coco(task.coco, [image], masks)


def _refuse_missing_folders(task: SegmentTask) -> None:
    """Before minutes of work, not after."""
    for path in (task.out, task.metrics, task.coco):
        if path is not None and not path.absolute().parent.is_dir():
            raise ExchangeError(
                f"The folder {path.absolute().parent} does not exist: make it or choose another."
            )


def _report(
    task: SegmentTask, frame: int, entries: Sequence[Entry], chosen: Sequence[Entry], found: Sequence[Found]
) -> None:
    others = len(entries) - len(chosen)
    if others:
        print(f"Left out, being for other frames: {others} of {len(entries)} entries.", file=sys.stderr)
    for entry, cell in zip(chosen, found, strict=True):
        if cell.mask is None:
            print(f"The model found nothing for cell {entry.id}.", file=sys.stderr)
    print(f"{counted(len(chosen), 'cell')} of frame {frame} written to {task.out}.")
