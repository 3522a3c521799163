"""Documents for the tests of the exchange formats."""

from __future__ import annotations

import numpy as np

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddDivision, AddTrack
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source

SIZES = (8, 1, 40, 60)
CALIBRATION = Calibration(pixel_size_um=0.25, z_step_um=None, frame_interval_s=30.0)


def odd_shape(y0: int, x0: int, seed: int, size: int = 7) -> Mask:
    """Pieces and holes at random."""
    bits = np.random.default_rng(seed).random((size, size)) < 0.6
    bits[0, 0] = bits[-1, -1] = True
    mask = Mask.from_array(bits, y0, x0)
    assert mask is not None
    return mask


def made_document(depth: int = 1) -> Document:
    """Seven cells on eight frames: a division, one of a daughter, a gap, names; no two masks overlap."""
    frames = {
        2: range(0, 3),
        7: range(3, 6),
        9: range(3, 8),
        11: [7],
        12: [6, 7],
        20: [0, 1, 4, 5, 7],
        31: range(1, 4),
    }
    document = Document(CALIBRATION)
    for place, (cell_id, times) in enumerate(frames.items()):
        track = {
            PlaneKey(t, z): MaskRecord(odd_shape(4 + 8 * z, 8 * place, cell_id * 100 + t), Source.IMPORTED)
            for t in times
            for z in range(depth)
        }
        AddTrack(Cell(cell_id, {2: "AB", 31: 'a "quoted", name & <tag>'}.get(cell_id, "")), track).apply(
            document
        )
    AddDivision(2, (7, 9)).apply(document)
    AddDivision(7, (11, 12)).apply(document)
    return document


def assert_same(one: Document, other: Document, *, names: bool = True) -> None:
    """Masks, ids, lineage and (if the format keeps them) names are equal."""
    assert one.cell_ids == other.cell_ids
    assert list(one.lineage.divisions()) == list(other.lineage.divisions())
    for cell_id in one.cell_ids:
        assert one.track(cell_id).keys() == other.track(cell_id).keys()
        for key, record in one.track(cell_id).items():
            assert record.mask.same_pixels(other.track(cell_id)[key].mask), (cell_id, key)
        if names:
            assert one.cell(cell_id).name == other.cell(cell_id).name
