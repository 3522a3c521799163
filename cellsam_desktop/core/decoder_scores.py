"""How well a decoder does on cells whose truth is known: for training, its report and the window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("point", "box")
"""The first prompts there are: one click into the cell, or a box around it."""

GOALS = (0.8, 0.9)
"""The IoUs up to which clicks are counted."""


@dataclass(frozen=True)
class KindScores:
    """Means over the cells that began with one kind of prompt.

    ``iou`` and ``dice`` (0 to 1) hold one figure per click: the first after the first prompt alone (a box is
    one click), the next after one correction, and so on. ``clicks_to`` gives, for each of ``GOALS``,
    the mean number of clicks until a cell first reached it, the largest number asked for counting for cells
    that never did (as NoC counts them: Sofiiuk et al. 2022); ``reached`` the share of cells that did.
    """

    iou: tuple[float, ...]
    dice: tuple[float, ...]
    clicks_to: Mapping[float, float] = field(default_factory=dict)
    reached: Mapping[float, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        goals = {f"clicks_to_{goal:g}": value for goal, value in self.clicks_to.items()}
        shares = {f"reached_{goal:g}": value for goal, value in self.reached.items()}
        return {"iou": list(self.iou), "dice": list(self.dice), **goals, **shares}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> KindScores:
        """Read what ``to_json`` wrote."""
        return cls(
            tuple(map(float, data["iou"])),
            tuple(map(float, data["dice"])),
            dict(_goals(data, "clicks_to_")),
            dict(_goals(data, "reached_")),
        )


@dataclass(frozen=True)
class Scores:
    """Of ``cells`` cells on ``frames`` frames; ``kinds`` has an entry for each kind that was asked."""

    frames: int
    cells: int
    kinds: Mapping[str, KindScores]

    def iou(self, kind: str, corrections: int = 0) -> float | None:
        """The mean IoU after a prompt of ``kind`` and so many corrections; None where it was not measured."""
        own = self.kinds.get(kind)
        return None if own is None or corrections >= len(own.iou) else own.iou[corrections]

    @property
    def mean_iou(self) -> float:
        """Over all kinds of prompts and all numbers of clicks, each counted once; 0 where there are none."""
        figures = [value for own in self.kinds.values() for value in own.iou]
        return sum(figures) / len(figures) if figures else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        kinds = {kind: own.to_json() for kind, own in self.kinds.items()}
        return {"frames": self.frames, "cells": self.cells, **kinds}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scores:
        """Read what ``to_json`` wrote."""
        kinds = {kind: KindScores.from_json(data[kind]) for kind in KINDS if kind in data}
        return cls(int(data["frames"]), int(data["cells"]), kinds)


def _goals(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[float, float]]:
    for name, value in data.items():
        if name.startswith(prefix):
            yield float(name.removeprefix(prefix)), float(value)
