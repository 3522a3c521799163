"""The table of the Cell Tracking Challenge: one line "L B E P" per track (Ulman et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cellsam_desktop import paths
from cellsam_desktop.core.errors import ExchangeError

TABLE_NAMES = ("res_track.txt", "man_track.txt")
"""As results and as ground truth."""


class TrackRow(NamedTuple):
    """A track: its label, first and last frame (from 0), and the label of its parent, 0 for none."""

    label: int
    begin: int
    end: int
    parent: int


def read_table(path: Path) -> list[TrackRow]:
    """The rows of a table, in the order of the file.

    Raises:
        ExchangeError: it cannot be read, or a line is not four whole numbers.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ExchangeError(
            f"{path} cannot be read as a table of tracks: choose the res_track.txt or man_track.txt "
            "that belongs to the masks."
        ) from error
    return [_row(line, number, path) for number, line in enumerate(lines, start=1) if line.strip()]


def write_table(path: Path, rows: Iterable[TrackRow]) -> None:
    """Write the rows by label; raises OSError."""
    paths.atomic_write_text(path, "".join(f"{' '.join(map(str, row))}\n" for row in sorted(rows)))


def _row(line: str, number: int, path: Path) -> TrackRow:
    try:
        row = TrackRow(*map(int, line.split()))
    except (TypeError, ValueError) as error:
        raise ExchangeError(
            f"Line {number} of {path.name} is not four whole numbers (label, first frame, last frame, "
            "parent): correct it or choose another table."
        ) from error
    return row
