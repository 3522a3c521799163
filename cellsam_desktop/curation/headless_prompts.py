"""PROMPTS.json: one entry per cell, read strictly, so that a mistake is named instead of half obeyed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellsam_desktop.core.errors import PromptError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Prompts

_EXAMPLE = '[{"id": 1, "frame": 0, "points": [{"x": 12.5, "y": 40, "label": 1}]}]'
_LARGEST_ID = 2**32 - 1


@dataclass(frozen=True)
class Entry:
    """The prompts of one cell; ``frame`` None means whichever frame is segmented."""

    id: int
    frame: int | None
    prompts: Prompts


def read_prompts(path: Path) -> list[Entry]:
    """The entries of a prompts file, in order.

    Raises:
        PromptError: it cannot be read, is not JSON, or an entry is malformed or given twice.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PromptError(f"The prompts {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise PromptError(f"{path.name} is not valid JSON ({error}): write {_EXAMPLE}.") from error
    if not isinstance(data, list):
        raise PromptError(f"{path.name} is not a list with one entry per cell: write {_EXAMPLE}.")
    entries = [_entry(item, number, path) for number, item in enumerate(data, start=1)]
    _refuse_duplicates(entries, path)
    return entries


def choose_frame(entries: Sequence[Entry], wanted: int | None, frames: int, path: Path) -> int:
    """The frame to segment: the one wanted, otherwise the first that an entry names, otherwise 0.

    Raises:
        PromptError: that frame, or one named in the entries, is not in the movie.
    """
    named = sorted({entry.frame for entry in entries if entry.frame is not None})
    for frame, where in [(wanted, "--frame"), *((frame, path.name) for frame in named)]:
        if frame is not None and not 0 <= frame < frames:
            last = "only frame 0" if frames == 1 else f"frames 0 to {frames - 1}"
            raise PromptError(
                f"{where} asks for frame {frame}, but the image has {last}: choose another frame."
            )
    if wanted is not None:
        return wanted
    return named[0] if named else 0


def refuse_outside(entries: Sequence[Entry], height: int, width: int, path: Path) -> None:
    """Check that every point lies on the image, and that every box meets it.

    Raises:
        PromptError: one does not.
    """
    plane = Region.whole(height, width)
    for entry in entries:
        for point in entry.prompts.points:
            if not plane.contains(point.x, point.y):
                raise PromptError(
                    f"The point ({point.x:g}, {point.y:g}) of cell {entry.id} in {path.name} lies outside "
                    f"the image: x runs from 0 to {width - 1}, y from 0 to {height - 1}."
                )
        box = entry.prompts.box
        if box is not None and (box.x1 < 0 or box.y1 < 0 or box.x0 > width - 1 or box.y0 > height - 1):
            raise PromptError(
                f"The box [{box.x0:g}, {box.y0:g}, {box.x1:g}, {box.y1:g}] of cell {entry.id} in {path.name} "
                f"lies outside the image of {width} x {height} pixels: move it onto the image."
            )


def _entry(item: Any, number: int, path: Path) -> Entry:
    place = f"Entry {number} of {path.name}"
    if not isinstance(item, dict):
        raise PromptError(f"{place} is not an object with an id and points or a box: write {_EXAMPLE}.")
    cell_id = _whole(
        item.get("id"), 1, f"{place} has the id {item.get('id')!r}: use a whole number from 1 up."
    )
    if cell_id > _LARGEST_ID:
        raise PromptError(f"{place} has the id {cell_id}, which no label image can hold: use a smaller one.")
    frame = item.get("frame")
    if frame is not None:
        frame = _whole(frame, 0, f"{place} has the frame {frame!r}: use a whole number from 0 up.")
    if not isinstance(item.get("points") or [], list):
        raise PromptError(f"{place} has points that are not a list: write {_EXAMPLE}.")
    try:
        prompts = Prompts.from_json(item)
    except PromptError as error:
        raise PromptError(f"{place}: {error}") from error
    if prompts.empty:
        raise PromptError(f"{place} (cell {cell_id}) has neither points nor a box: give one of them.")
    if not all(math.isfinite(value) for corner in prompts.corners for value in corner):
        raise PromptError(f"{place} (cell {cell_id}) has a position that is not a number: correct it.")
    return Entry(cell_id, frame, prompts)


def _whole(value: Any, least: int, sentence: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PromptError(sentence)
    return value


def _refuse_duplicates(entries: Sequence[Entry], path: Path) -> None:
    """One id may have an entry on each frame, but one only; without a frame, an entry is on every frame."""
    frames: dict[int, set[int | None]] = {}
    for entry in entries:
        taken = frames.setdefault(entry.id, set())
        if entry.frame in taken or (taken and None in (entry.frame, *taken)):
            raise PromptError(
                f"{path.name} prompts cell {entry.id} twice: give each cell one entry with all its prompts."
            )
        taken.add(entry.frame)
