"""The demo without a window: the sample movie from prompts to exported labels, compared with the truth."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from cellsam_desktop import paths
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, Edit, SetMask
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.headless_export import write_cells
from cellsam_desktop.curation.headless_model import Found, HeadlessModel
from cellsam_desktop.curation.headless_prompts import Entry, read_prompts
from cellsam_desktop.curation.headless_segment import read_model_image
from cellsam_desktop.images.fingerprint import fingerprint
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.sample import SampleMovie, provide_sample
from cellsam_desktop.images.source import ImageSource
from cellsam_desktop.project.exporters.writing import writing
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore, everything
from cellsam_desktop.settings import Settings

_FRAME = 0
_OPACITY = 0.45


@dataclass(frozen=True)
class _Results:
    """Files the demo writes beside the sample; those of an earlier demo are replaced."""

    project: Path
    labels: Path
    table: Path
    picture: Path

    @classmethod
    def in_folder(cls, folder: Path) -> _Results:
        names = ("demo.cellsam", "labels.tif", "cells.csv", "overlay.png")
        return cls(*(folder / name for name in names))


def demo(folder: Path) -> int:
    """Make the sample in ``folder``, segment its first frame, save, export, compare; 0 when all went well.

    Raises:
        CellSamError: a step failed.
    """
    sample, results = _sample(folder), _Results.in_folder(folder)
    model = HeadlessModel.load()
    entries = [entry for entry in read_prompts(sample.prompts) if entry.frame == _FRAME]
    with open_source(sample.movie) as source:
        image = read_model_image(source, PlaneIndex(_FRAME))
        found = list(model.segment(image, (entry.prompts for entry in entries)))
        document, link = _document(source, entries, found), _link(source, sample.movie)
    _save(results.project, document, link)
    write_cells(results.labels, "labels", document, link)
    write_cells(results.table, "csv", document, link)
    _write_picture(results.picture, image, document)
    ious = _compare(document, sample.tracks)
    print(f"Sample movie: {sample.movie} ({link.sizes[0]} frames)")
    print(f"Frame 1: {len(ious)} cells with one click each, mean IoU with the truth {np.mean(ious):.3f}")
    for title, path in vars(results).items():
        print(f"{title.capitalize()}: {path}")
    return 0


def _sample(folder: Path) -> SampleMovie:
    """The sample in ``folder``, made the first time only."""
    sample = SampleMovie.in_folder(folder)
    if all(path.is_file() for path in vars(sample).values()):
        return sample
    print(f"Making the sample movie in {folder} ...", flush=True)
    return provide_sample(folder)


def _document(source: ImageSource, entries: Sequence[Entry], found: Sequence[Found]) -> Document:
    info, model = source.info, Settings.load().model
    document = Document(info.calibration)
    edits: list[Edit] = []
    for entry, cell in zip(entries, found, strict=True):
        edits.append(AddCell(Cell(entry.id)))
        if cell.mask is not None:
            record = MaskRecord(cell.mask, Source.CLICK, cell.predicted_iou, entry.prompts, model)
            edits.append(SetMask(entry.id, PlaneKey(_FRAME), record))
    History(document).commit("Segment the first frame", edits)
    return document


def _link(source: ImageSource, movie: Path) -> MovieLink:
    return MovieLink(movie.absolute(), fingerprint(source), None, source.info.sizes.tczyx)


def _save(path: Path, document: Document, link: MovieLink) -> None:
    if path.exists():
        ProjectStore.open(path).close()  # refused while a window has it open
        path.unlink()
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))


def _compare(document: Document, tracks: Path) -> list[float]:
    """IoU of each cell's mask with the truth, 0 for a cell without one."""
    truth = tifffile.imread(tracks, key=_FRAME)
    ious = []
    for cell_id in document.cell_ids:
        record, expected = document.record(cell_id, PlaneKey(_FRAME)), Mask.from_array(truth == cell_id)
        ious.append(0.0 if record is None or expected is None else record.mask.iou(expected))
    return ious


def _write_picture(path: Path, image: NDArray[np.uint8], document: Document) -> None:
    """The frame with its cells in colour, outlined and numbered, enlarged to some 1000 pixels."""
    factor = max(1, round(1000 / max(image.shape[:2])))
    picture = np.kron(image, np.ones((factor, factor, 1), np.uint8)).astype(np.float64)
    key = PlaneKey(_FRAME)
    for cell_id in document.cells_on(key):
        record = document.record(cell_id, key)
        assert record is not None
        plane = np.kron(record.mask.to_plane(*image.shape[:2]), np.ones((factor, factor), np.bool_))
        outline = plane & ~ndimage.binary_erosion(plane, iterations=2)
        colour = np.array(_colour(cell_id))
        picture[plane] = (1 - _OPACITY) * picture[plane] + _OPACITY * colour
        picture[outline] = colour
    canvas = Image.fromarray(picture.round().astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for cell_id in document.cells_on(key):
        record = document.record(cell_id, key)
        assert record is not None
        x, y = record.mask.centroid
        draw.text(((x + 0.5) * factor, (y + 0.5) * factor), str(cell_id), fill="white", anchor="mm")
    with writing(path), paths.atomic_path(path) as temporary:
        canvas.save(temporary)


def _colour(cell_id: int) -> tuple[float, float, float]:
    """Hues a golden angle apart differ well, however many there are."""
    red, green, blue = colorsys.hsv_to_rgb(cell_id * 0.618034 % 1.0, 0.75, 1.0)
    return 255 * red, 255 * green, 255 * blue
