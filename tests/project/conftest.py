from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, AddDivision, MarkComplete, MarkSeen, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.project.link import MovieLink

SIZES = (4, 1, 2, 48, 64)
NOBODY = 65534


def disc_mask(x: float, y: float, radius: float) -> Mask:
    rows, columns = np.mgrid[:48, :64]
    mask = Mask.from_array((rows - y) ** 2 + (columns - x) ** 2 <= radius**2)
    assert mask is not None
    return mask


def make_document() -> Document:
    """Three cells over four frames; 1 divides into 2 and 3; odd box sizes, prompts, z positions, marks."""
    document = Document(Calibration(0.25, 1.0, 30.0))
    clicked = Prompts((Point(20.5, 11.0), Point(1, 2, positive=False)), Box(3, 4, 30, 40))
    records = {
        (1, PlaneKey(0)): MaskRecord(disc_mask(20, 11, 7), Source.CLICK, 0.93, clicked, "vit_t"),
        (1, PlaneKey(1)): MaskRecord(disc_mask(21, 12, 6.5), Source.BRUSH),
        (2, PlaneKey(2)): MaskRecord(disc_mask(15, 12, 4), Source.BOX, 0.5),
        (2, PlaneKey(3, 1)): MaskRecord(disc_mask(15, 12, 3), Source.IMPORTED),
        (3, PlaneKey(2)): MaskRecord(disc_mask(18, 12, 5), Source.PROPAGATED, 0.8),
    }
    edits = [AddCell(Cell(1, "Mère µ", locked=False)), AddCell(Cell(2)), AddCell(Cell(3, locked=False))]
    edits += [SetMask(cell_id, key, record) for (cell_id, key), record in records.items()]
    seen = MarkSeen(2, frozenset({PlaneKey(3, 1)}))
    complete = MarkComplete(frozenset({PlaneKey(0), PlaneKey(3, 1)}))
    History(document).commit("make", [*edits, AddDivision(1, (2, 3)), seen, complete])
    return document


def facts(document: Document) -> dict:
    """Everything in a document, comparable."""
    return {
        "cells": {i: document.cell(i) for i in document.cell_ids},
        "masks": {
            (i, key): (
                r.mask.region,
                r.mask.bits.tolist(),
                r.source,
                r.predicted_iou,
                r.prompts,
                r.decoder,
                r.agreement,
            )
            for i in document.cell_ids
            for key, r in document.track(i).items()
        },
        "seen": {i: document.seen(i) for i in document.cell_ids},
        "complete": document.complete,
        "divisions": list(document.lineage.divisions()),
        "calibration": document.calibration,
        "next_id": document.next_id,
    }


@pytest.fixture
def document() -> Document:
    return make_document()


@pytest.fixture
def link(tmp_path: Path) -> MovieLink:
    movie = tmp_path / "movie.tif"
    movie.write_bytes(b"II*\0")
    return MovieLink(movie, "f1", "TZYX", SIZES)


@pytest.fixture
def as_ordinary_user() -> Iterator[Path]:
    """An empty folder, and no privileges that would let a test write where it may not."""
    folder = Path(tempfile.mkdtemp())
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions of this system are of another kind")
    privileged = os.geteuid() == 0
    if privileged:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if privileged:
            os.seteuid(0)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(folder)
