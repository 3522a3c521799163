"""The parts of a run that is gone on with: frames stay where they were, whatever was curated since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.frames import DataError, Frame
from training.splits import Split

_PARTS = ("train", "validate", "test")
_CHANGED = "The data of this run have changed since it began, and {}: begin a new run."


def as_before(parts: Split, frames: Sequence[Frame], before: Mapping[str, Any]) -> Split:
    """The split of ``frames`` that a run had, by its summary ``before``; ``parts`` is what it would be now.

    A frame that has come since is left out: it might lie beside one of another part.

    Raises:
        DataError: frames are missing, or cells of one frame were in different parts and have changed.
    """
    if parts.summary()["data_sets"] == before["data_sets"]:
        return parts
    known = _parts_of_frames(before)
    if any("train" in own and len(own) > 1 for own in known.values()):
        raise DataError(_CHANGED.format("its parts are sides of the same images"))
    here = {(frame.data_set, frame.name): frame for frame in frames}
    if gone := sorted(name for name in known if name not in here):
        raise DataError(_CHANGED.format(f"{gone[0][1]} holds no cells any more"))
    chosen = {part: tuple(here[name] for name, own in known.items() if part in own) for part in _PARTS}
    notes = list(before["notes"])
    if new := len(here.keys() - known.keys()):
        notes.append(f"{new} frames were in no part when this run began, and are left out.")
    return Split(chosen["train"], chosen["validate"], chosen["test"], parts.seed, tuple(notes))


def _parts_of_frames(summary: Mapping[str, Any]) -> dict[tuple[str, str], set[str]]:
    """The parts that each frame is in, by data set and name."""
    known: dict[tuple[str, str], set[str]] = {}
    for data_set, parts in summary["data_sets"].items():
        for part in _PARTS:
            for name in parts[part]["frames"]:
                known.setdefault((data_set, name), set()).add(part)
    return known
