"""From files to frames: projects, folders of images and labels, folders of the Cell Tracking Challenge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cellsam_desktop.project.schema import SUFFIX
from training.data_challenge import find_sequences, load_sequences
from training.data_labels import find_pairs, load_pairs
from training.data_project import load_project
from training.frames import CellTruth, DataError, Frame
from training.images import LastImage
from training.selection import Selection

__all__ = ["CellTruth", "DataError", "Frame", "load"]

Notice = Callable[[str], None]


def _silent(_: str) -> None:
    """Nobody wants to know what was left out."""


def load(paths: Sequence[Path], notice: Notice = _silent) -> list[Frame]:
    """The frames of each path, in order; ``notice`` gets a sentence about whatever is left out.

    A path is a project, a folder with ``images/`` and ``labels/`` of the same names, a folder with a movie
    and its labels, or a folder of the Cell Tracking Challenge; ``PATH@0-16`` or ``PATH@list.txt`` is a part
    of it, see ``selection``; several parts of one path are one set of data. No image stays in memory but
    the one read last.

    Raises:
        CellSamError: a path holds nothing to learn from, or something is not as it should be.
    """
    frames: list[Frame] = []
    last, names = LastImage(), set[str]()
    for selection in Selection.parse_all(paths):
        frames += _load(selection, _new_name(selection.path, names), last, notice)
    return frames


def _load(selection: Selection, data_set: str, last: LastImage, notice: Notice) -> list[Frame]:
    path = selection.path
    if path.suffix == SUFFIX:
        return load_project(selection, data_set, last, notice)
    if not path.exists():
        raise DataError(f"{path} does not exist: it may have been moved, renamed or deleted.")
    if path.is_dir():
        if sequences := find_sequences(path):
            return load_sequences(sequences, selection, data_set, last, notice)
        if pairs := find_pairs(path, notice):
            return load_pairs(pairs, selection, data_set, last, notice)
    raise DataError(
        f"{path} holds no cells to learn from: give a project, or a folder with images/ and labels/ of the "
        "same names, or one of the Cell Tracking Challenge."
    )


def _new_name(path: Path, taken: set[str]) -> str:
    """A name for a data set that no other has."""
    stem = path.stem if path.suffix == SUFFIX else path.resolve().name
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem} ({number})"
    taken.add(name)
    return name
