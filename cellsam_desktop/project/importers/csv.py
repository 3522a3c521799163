"""Tables with a line per mask: those that this program writes, and plain lists of points."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc
from cellsam_desktop.core.progress import Report
from cellsam_desktop.project import runs
from cellsam_desktop.project.importers.geff import USUAL_RADIUS
from cellsam_desktop.project.importers.tracks import LARGEST_ID, Tracks, settle

Row = Mapping[str, str]

_NEEDED = {"frame": ("frame", "t"), "id": ("id", "track_id", "track", "cell")}
_PLACE = {"x": ("centroid_x_px", "x"), "y": ("centroid_y_px", "y")}


def import_csv(path: Path, sizes: MovieSizes, progress: Report | None = None) -> Tracks:
    """The cells of a table; ``sizes`` are the movie's T, Z, Y, X.

    Columns: ``frame`` (or t, from 0) and ``id`` (from 1); ``z``, ``name`` and ``mother`` if there are any;
    then either a mask (``box_x``, ``box_y``, ``box_width``, ``box_height``, ``mask``; see ``runs``) or a
    point in pixels (``centroid_x_px`` or x, ``centroid_y_px`` or y), which becomes a disc of ``radius``, of
    ``area_px``, or of 5 pixels' radius. Columns are separated by commas, semicolons or tabs.

    Raises:
        ExchangeError: it is no such table, or does not fit the movie.
    """
    masks: dict[int, dict[PlaneKey, Mask]] = {}
    names: dict[int, str] = {}
    mothers: dict[int, int] = {}
    outside = 0
    for number, row, done in _rows(path):
        if progress is not None and number % 500 == 2:
            progress(done)
        try:
            cell, key, mask = _read(row)
            mother = _whole(row.get("mother") or "0")
        except (ValueError, KeyError, OverflowError) as error:
            raise ExchangeError(
                f"Line {number} of {path.name} cannot be understood ({error}): correct the line."
            ) from error
        _check(key, sizes, path, number)
        inside = None if mask is None else mask.clip(*sizes[2:])
        if inside is None:
            outside += 1
            continue
        masks.setdefault(cell, {})[key] = inside
        names.setdefault(cell, row.get("name") or "")
        if mother:
            mothers[cell] = mother
    notes = [f"{outside} lines lie outside the image."] if outside else []
    return settle({cell: masks[cell] for cell in sorted(masks)}, sorted(mothers.items()), names, notes)


def _rows(path: Path) -> Iterator[tuple[int, Row, float]]:
    """Number of the line, its values by column in small letters, and the fraction read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            names = _columns(head, path)
            size = max(path.stat().st_size, 1)
            done = len(head)
            reader = csv.reader(file, delimiter=_delimiter(head))
            for number, values in enumerate(reader, start=2):
                done += sum(map(len, values)) + len(values)
                if values:
                    yield number, dict(zip(names, values, strict=False)), min(done / size, 1.0)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ExchangeError(f"{path} cannot be read as a table: choose a CSV file in UTF-8.") from error


def _columns(head: str, path: Path) -> list[str]:
    names = [name.strip().strip('"').lower() for name in head.split(_delimiter(head))]
    place = set(runs.COLUMNS) <= set(names) or all(_first(names, other) for other in _PLACE.values())
    missing = [name for name, other in _NEEDED.items() if not _first(names, other)]
    missing += [] if place else ["x and y"]
    if missing:
        raise ExchangeError(
            f"{path.name} has no column for {', '.join(missing)}: name them in its first line "
            "(frame, id, x, y in pixels), or choose a table that this program exported."
        )
    return names


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)


def _first(names: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for name in wanted if name in names), None)


def _value(row: Row, wanted: tuple[str, ...]) -> str:
    found = next((row[name] for name in wanted if name in row), None)
    if found is None:
        raise ValueError(f"{wanted[0]} is missing")
    return found


def _read(row: Row) -> tuple[int, PlaneKey, Mask | None]:
    cell = _whole(_value(row, _NEEDED["id"]))
    if not 0 < cell <= LARGEST_ID:
        raise ValueError(f"the id {cell} is not between 1 and {LARGEST_ID}")
    key = PlaneKey(_whole(_value(row, _NEEDED["frame"])), round(float(row.get("z") or 0)))
    if row.get("mask"):
        box = [int(row[name]) for name in runs.COLUMNS[:4]]
        return cell, key, runs.mask_of(box[0], box[1], box[2], box[3], row["mask"])
    x, y = (float(_value(row, names)) for names in _PLACE.values())
    area = float(row.get("area_px") or 0)
    radius = float(row.get("radius") or (np.sqrt(area / np.pi) if area else USUAL_RADIUS))
    if not np.isfinite([x, y, radius]).all() or not 0 <= radius < 10_000:
        raise ValueError(f"a disc of radius {radius} at {x}, {y}")
    return cell, key, disc(x, y, radius)


def _whole(text: str) -> int:
    """Tables from other programs write whole numbers as "3.0"."""
    value = float(text)
    if value != round(value):
        raise ValueError(f"{text} is no whole number")
    return round(value)


def _check(key: PlaneKey, sizes: MovieSizes, path: Path, number: int) -> None:
    if not (0 <= key.t < sizes[0] and 0 <= key.z < sizes[1]):
        raise ExchangeError(
            f"Line {number} of {path.name} is about frame {key.t} at z {key.z} (from 0), and the movie has "
            f"{sizes[0]} frames and {sizes[1]} z positions: choose the table of this movie."
        )
