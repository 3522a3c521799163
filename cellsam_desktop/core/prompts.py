"""What the curator points at: positive and negative points, and a box, in plane pixels.

x runs right, y runs down, pixel centres lie at integers. Hovering never makes a prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cellsam_desktop.core.errors import PromptError


@dataclass(frozen=True, slots=True)
class Point:
    """One click: ``positive`` says "this belongs to the cell", otherwise "this does not"."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """A box around the cell, corners in pixels, ``x0 <= x1`` and ``y0 <= y1``."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if self.x0 > self.x1 or self.y0 > self.y1:
            raise PromptError(
                f"The box [{self.x0:g}, {self.y0:g}, {self.x1:g}, {self.y1:g}] is inside out: "
                "give it as [left, top, right, bottom]."
            )

    @classmethod
    def from_corners(cls, xa: float, ya: float, xb: float, yb: float) -> Box:
        """A box from any two opposite corners."""
        return cls(min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb))


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of one cell on one plane; immutable, so that undo can keep them."""

    points: tuple[Point, ...] = ()
    box: Box | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was prompted."""
        return not self.points and self.box is None

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Every (x, y) that was pointed at: the points, and two opposite corners of the box."""
        box = self.box
        ends = [] if box is None else [(box.x0, box.y0), (box.x1, box.y1)]
        return [*((point.x, point.y) for point in self.points), *ends]

    def with_point(self, point: Point) -> Prompts:
        """These prompts and one point more."""
        return replace(self, points=(*self.points, point))

    def with_box(self, box: Box | None) -> Prompts:
        """These prompts with another box."""
        return replace(self, box=box)

    def to_json(self) -> dict[str, Any]:
        """Plain data as written in PROMPTS.json: ``points`` with label 1 or 0, ``box`` as four numbers."""
        data: dict[str, Any] = {}
        if self.points:
            data["points"] = [{"x": p.x, "y": p.y, "label": int(p.positive)} for p in self.points]
        if self.box is not None:
            data["box"] = [self.box.x0, self.box.y0, self.box.x1, self.box.y1]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prompts:
        """Read what ``to_json`` wrote.

        Raises:
            PromptError: a point or box is malformed.
        """
        points = tuple(_point(entry) for entry in data.get("points") or ())
        corners = data.get("box")
        return cls(points, None if corners is None else _box(corners))


NO_PROMPTS = Prompts()
"""For masks that nobody prompted."""


def _point(entry: Any) -> Point:
    try:
        x, y, label = float(entry["x"]), float(entry["y"]), entry.get("label", 1)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise PromptError(
            f'The point {entry!r} is not understood: write {{"x": 12.5, "y": 40, "label": 1}}.'
        ) from error
    if label not in (0, 1):
        raise PromptError(f"The point {entry!r} has label {label!r}: use 1 for positive and 0 for negative.")
    return Point(x, y, bool(label))


def _box(corners: Any) -> Box:
    try:
        x0, y0, x1, y1 = (float(value) for value in corners)
    except (TypeError, ValueError) as error:
        raise PromptError(
            f"The box {corners!r} is not understood: write [left, top, right, bottom]."
        ) from error
    return Box(x0, y0, x1, y1)
