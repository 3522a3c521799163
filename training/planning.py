"""What there is to learn from, and how it splits: said before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cellsam_desktop.core.training_messages import Planned
from training.data import load
from training.splits import Split, split


def plan(data: Sequence[Path], seed: int, notice: Callable[[str], None]) -> Planned:
    """How the data would split; the data sets are in the order of ``data``.

    Raises:
        CellSamError: there is nothing to learn from, or too little.
    """
    frames = load(data, notice)
    found = planned(split(frames, seed))
    sets = {name: found.data["data_sets"][name] for name in dict.fromkeys(f.data_set for f in frames)}
    return replace(found, data={**found.data, "data_sets": sets})


def planned(parts: Split, preset: str = "", device: str = "") -> Planned:
    """The event that says how data split."""
    return Planned(preset, device, {**parts.summary(), **counted(parts)})


def counted(parts: Split) -> dict[str, dict[str, int]]:
    """``frames`` and ``cells`` of each part."""
    named = {"train": parts.train, "validate": parts.validate, "test": parts.test}
    return {
        name: {"frames": len(frames), "cells": sum(len(frame.cells) for frame in frames)}
        for name, frames in named.items()
    }
