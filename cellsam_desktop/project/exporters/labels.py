"""Label images that ImageJ opens: one number per cell, axes, pixel size and frame interval kept.

Ids up to 65535 give an ImageJ hyperstack of uint16. ImageJ has no integers beyond that, so larger ids
give an OME-TIFF of uint32, which Fiji opens with its numbers intact (decision 0121).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop import paths
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey, Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.progress import Report
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.project.exporters.writing import writing

Labels = NDArray[np.unsignedinteger[Any]]
Layer = tuple[int, Mask, float | None]
"""Cell id, mask, predicted IoU (None for a mask that no decoder made)."""

_LARGEST_ID = 2**32 - 1
_SOFTWARE = "CellSAM Desktop"


def export_labels(
    path: Path,
    document: Document,
    sizes: MovieSizes,
    calibration: Calibration,
    progress: Report | None = None,
) -> None:
    """Write all cells as one label movie, plane by plane; ``sizes`` are the movie's T, Z, Y, X.

    Each plane is written as it is at that moment, so that the document may be edited meanwhile. ``progress``
    gets the fraction done.

    Raises:
        ExchangeError: it cannot be written, or an id is too large; ``path`` is as it was.
        Cancelled: ``progress`` raised it; ``path`` is as it was.
    """
    frames, depth, height, width = sizes
    dtype = label_dtype(document.cell_ids)

    def planes() -> Iterator[Labels]:
        for number in range(frames * depth):
            if progress is not None:
                progress(number / (frames * depth))
            layers = layers_on(document, PlaneKey(*divmod(number, depth)))
            yield paint(layers, height, width, dtype)

    write_labels(path, planes(), sizes, dtype, calibration)


def layers_on(document: Document, key: PlaneKey) -> list[Layer]:
    """The layers of a plane."""
    found = ((cell_id, document.record(cell_id, key)) for cell_id in document.cells_on(key))
    return [(cell_id, record.mask, record.predicted_iou) for cell_id, record in found if record is not None]


def paint(layers: Iterable[Layer], height: int, width: int, dtype: np.dtype[Any]) -> Labels:
    """One plane (height, width) with a value per id, 0 for background.

    Where masks overlap the higher predicted IoU wins; masks made by hand or imported count as certain;
    between equals the smaller mask lies on top, as when clicking.
    """
    labels = np.zeros((height, width), dtype)
    plane = Region.whole(height, width)
    for cell_id, mask, _ in sorted(layers, key=_height_in_pile):
        inside = mask.region.intersect(plane)
        if inside is not None:
            labels[inside.slices][mask.crop(inside)] = cell_id
    return labels


def label_dtype(ids: Sequence[int]) -> np.dtype[Any]:
    """uint16 if all ids fit, otherwise uint32.

    Raises:
        ExchangeError: an id is beyond uint32.
    """
    largest = max(ids, default=0)
    if largest > _LARGEST_ID:
        raise ExchangeError(f"Cell {largest} does not fit into a label image: use ids up to {_LARGEST_ID}.")
    return np.dtype(np.uint16 if largest < 2**16 else np.uint32)


def write_labels(
    path: Path,
    planes: Iterable[Labels],
    sizes: MovieSizes,
    dtype: np.dtype[Any],
    calibration: Calibration,
) -> None:
    """Write planes (Y, X), z fastest, then t, as one TIFF; whole or not at all.

    Raises:
        ExchangeError: it cannot be written.
    """
    import tifffile  # by the first export, not by the start of the window

    imagej = dtype == np.uint16
    options: dict[str, Any] = {"metadata": _metadata(calibration, imagej)}
    if calibration.pixel_size_um:
        per_unit = 1.0 / calibration.pixel_size_um
        # ImageJ reads pixels per `unit`; TIFF itself knows only centimetres.
        scale = 1.0 if imagej else 1e4
        options["resolution"] = (per_unit * scale, per_unit * scale)
        options["resolutionunit"] = "NONE" if imagej else "CENTIMETER"
    if not imagej:
        options["compression"] = "zlib"
    with (
        writing(path),
        paths.atomic_path(path) as temporary,
        tifffile.TiffWriter(temporary, imagej=imagej, ome=not imagej) as writer,
    ):
        writer.write(
            iter(planes),
            shape=sizes,
            dtype=dtype,
            photometric="minisblack",
            software=_SOFTWARE,
            **options,
        )


def is_ours(path: Path) -> bool:
    """Whether ``write_labels`` made this file, as its tag Software tells."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return bool(file.pages.first.software == _SOFTWARE)
    except (OSError, ValueError, LookupError, struct.error):  # it cannot be read, so it is not
        return False


def _height_in_pile(layer: Layer) -> tuple[float, int, int]:
    cell_id, mask, predicted_iou = layer
    return (1.0 if predicted_iou is None else predicted_iou, -mask.area, -cell_id)


def _metadata(calibration: Calibration, imagej: bool) -> dict[str, Any]:
    size, step, interval = calibration.pixel_size_um, calibration.z_step_um, calibration.frame_interval_s
    if imagej:
        found = {
            "unit": "um" if size or step else None,
            "spacing": step,
            "finterval": interval,
            "tunit": "s" if interval else None,
        }
    else:
        found = {
            "PhysicalSizeX": size,
            "PhysicalSizeY": size,
            "PhysicalSizeZ": step,
            "TimeIncrement": interval,
        }
    return {"axes": "TZYX", **{name: value for name, value in found.items() if value is not None}}
