"""What one mask measures."""

from __future__ import annotations

from dataclasses import dataclass

from cellsam_desktop.core.geometry import PlaneKey, Region
from cellsam_desktop.core.records import MaskRecord, Source


@dataclass(frozen=True, slots=True)
class Measurement:
    """One mask in numbers: centroid (``x``, ``y``) and box in plane pixels, area in pixels."""

    cell_id: int
    t: int
    z: int
    x: float
    y: float
    area: int
    predicted_iou: float | None
    source: Source
    box: Region


def measure(cell_id: int, key: PlaneKey, record: MaskRecord) -> Measurement:
    """Measure the mask of a cell on a plane."""
    mask = record.mask
    x, y = mask.centroid
    return Measurement(
        cell_id, key.t, key.z, x, y, mask.area, record.predicted_iou, record.source, mask.region
    )
