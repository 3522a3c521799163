"""The Cell Tracking Challenge: a label image per frame and a table of tracks (Ulman et al. 2017).

The format has no gaps: where a cell is absent for some frames, what follows is written as a track of its own
whose only parent is the piece before. ``importers.ctc`` joins the pieces again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey
from cellsam_desktop.core.progress import Report
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.project.ctc_table import TrackRow, write_table
from cellsam_desktop.project.exporters.labels import (
    Labels,
    is_ours,
    label_dtype,
    layers_on,
    paint,
    write_labels,
)
from cellsam_desktop.project.exporters.writing import writing


@dataclass(frozen=True)
class Naming:
    """How files are called: results, or ground truth for tracking."""

    mask: str = "mask"
    table: str = "res_track.txt"


RESULT = Naming()
TRUTH = Naming("man_track", "man_track.txt")


def export_ctc(
    folder: Path,
    document: Document,
    sizes: MovieSizes,
    progress: Report = lambda _: None,
    naming: Naming = RESULT,
) -> None:
    """Write ``maskTTT.tif`` for every frame and ``res_track.txt`` into ``folder``, which is made if need be.

    ``sizes`` are the movie's T, Z, Y, X; a frame with several z positions is a stack. Where masks overlap,
    see ``labels.paint``. The files of an earlier export in the folder are replaced, others stay.

    Raises:
        ExchangeError: the folder cannot be written, or holds masks of another program; nothing in it has
            changed.
        Cancelled: ``progress`` raised it; nothing in it has changed.
    """
    _refuse_others(folder, naming)
    painter = _Painter(document, sizes)
    pieces = _Pieces(document)
    for t in range(sizes[0]):
        progress(0.5 * t / sizes[0])
        pieces.see(t, painter.present(t))
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
            made = Path(name)
            for t in range(sizes[0]):
                progress(0.5 + 0.5 * t / sizes[0])
                file = made / f"{naming.mask}{t:0{digits(sizes[0])}}.tif"
                _write_frame(file, painter, pieces, t, document.calibration)
            write_table(made / naming.table, pieces.rows())
            _put(made, folder, naming)


def check_folder(folder: Path) -> None:
    """Before long work: make ``folder`` if need be, and prove that ``export_ctc`` can write into it.

    Raises:
        ExchangeError: it cannot, or the folder holds masks of another program.
    """
    _refuse_others(folder, RESULT)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder, folder.parent):  # files are made beside the folder first
            with tempfile.TemporaryFile(dir=place):
                pass


def digits(frames: int) -> int:
    """How many digits number the files of so many frames."""
    return max(3, len(str(frames - 1)))


class _Painter:
    """Planes of labels, with the cells' own ids."""

    def __init__(self, document: Document, sizes: MovieSizes) -> None:
        self._document = document
        self._dtype = label_dtype(document.cell_ids)
        _, self.depth, self.height, self.width = sizes

    def planes(self, t: int) -> Iterator[Labels]:
        """The planes of a frame, by z."""
        for z in range(self.depth):
            layers = layers_on(self._document, PlaneKey(t, z))
            yield paint(layers, self.height, self.width, self._dtype)

    def present(self, t: int) -> set[int]:
        """The cells of which something is to be seen on a frame: overlap can hide a small one."""
        return {int(label) for plane in self.planes(t) for label in np.unique(plane)} - {0}


@dataclass
class _Piece:
    label: int
    begin: int
    end: int


@dataclass
class _Pieces:
    """Tracks without gaps, one after the other for a cell with gaps. The first keeps the cell's id."""

    document: Document
    _of: dict[int, list[_Piece]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = max(self.document.cell_ids, default=0) + 1

    def see(self, t: int, present: set[int]) -> None:
        """Take note of the cells of a frame; frames come in order."""
        for cell_id in sorted(present):
            pieces = self._of.setdefault(cell_id, [])
            if pieces and pieces[-1].end == t - 1:
                pieces[-1].end = t
                continue
            label = cell_id
            if pieces:
                label, self._next = self._next, self._next + 1
            pieces.append(_Piece(label, t, t))

    def labels(self, t: int) -> dict[int, int]:
        """The label on frame ``t`` of each cell that has another one there than its id."""
        return {
            cell_id: piece.label
            for cell_id, pieces in self._of.items()
            for piece in pieces[1:]
            if piece.begin <= t <= piece.end
        }

    @property
    def largest(self) -> int:
        """The largest label."""
        return self._next - 1

    def rows(self) -> list[TrackRow]:
        """The table. A division of which a cell is never seen cannot be written and is left out."""
        parents: dict[int, int] = {}
        for mother, daughters in self.document.lineage.divisions():
            if all(cell_id in self._of for cell_id in (mother, *daughters)):
                parents |= dict.fromkeys(daughters, self._of[mother][-1].label)
        rows = []
        for cell_id, pieces in self._of.items():
            parent = parents.get(cell_id, 0)
            for piece in pieces:
                rows.append(TrackRow(piece.label, piece.begin, piece.end, parent))
                parent = piece.label
        return rows


def _write_frame(path: Path, painter: _Painter, pieces: _Pieces, t: int, calibration: Calibration) -> None:
    dtype = label_dtype([pieces.largest])
    other = pieces.labels(t)

    def planes() -> Iterator[Labels]:
        for plane in painter.planes(t):
            out = plane.astype(dtype)
            for cell_id, label in other.items():
                out[plane == cell_id] = label
            yield out

    sizes = (1, painter.depth, painter.height, painter.width)
    write_labels(path, planes(), sizes, dtype, calibration)


def _masks_in(folder: Path, naming: Naming) -> list[Path]:
    """The files of a folder that an export replaces or removes, by name."""
    found = folder.glob(f"{naming.mask}*.tif")
    return sorted(file for file in found if file.stem.removeprefix(naming.mask).isdigit())


def _refuse_others(folder: Path, naming: Naming) -> None:
    """Masks that this program did not write are not there to be replaced.

    Raises:
        ExchangeError: the folder holds some.
    """
    other = next((file for file in _masks_in(folder, naming) if not is_ours(file)), None)
    if other is not None:
        raise ExchangeError(
            f"{folder} holds masks that may be of another program, such as {other.name}: "
            "choose a new or empty folder."
        )


def _put(made: Path, folder: Path, naming: Naming) -> None:
    """Replace what an earlier export left: masks of frames that no longer exist would be read as well."""
    folder.mkdir(exist_ok=True)
    for old in _masks_in(folder, naming):
        old.unlink()
    for file in sorted(made.iterdir()):
        os.replace(file, folder / file.name)
