"""Curves as SVG, in the colours of the page they stand on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 38
_TICKS = 5


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in one colour: ``kind`` is a class of the page's style sheet."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]
    marks: bool = False


@dataclass(frozen=True)
class _Axis:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def chart(
    curves: Sequence[Curve], x_name: str, y_name: str, y_range: tuple[float, float] | None = None
) -> str:
    """An SVG element with curves over common axes; empty text where no curve has a point."""
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    if not xs:
        return ""
    across = _Axis(*_room(min(xs), max(xs)), _LEFT, WIDTH - _RIGHT)
    up = _Axis(*(y_range or _room(min(0.0, *ys), max(ys))), HEIGHT - _BOTTOM, _TOP)
    label = escape(f"{y_name} against {x_name}: {', '.join(curve.name for curve in curves)}")
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">']
    parts += _grid(across, up, x_name, y_name)
    parts += [_drawn(curve, across, up) for curve in curves if curve.points]
    return "".join([*parts, "</svg>"])


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high``, some five."""
    step = 10 ** math.floor(math.log10((high - low) / _TICKS))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= _TICKS)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _room(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low, low + 1.0)


def _grid(across: _Axis, up: _Axis, x_name: str, y_name: str) -> list[str]:
    parts = []
    for value in ticks(up.low, up.high):
        y = up.place(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in ticks(across.low, across.high):
        x = across.place(value)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 20}" text-anchor="middle">{value:g}</text>')
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_name)}</text>')
    place = f'x="12" y="{(_TOP + HEIGHT - _BOTTOM) / 2}"'
    turned = f'transform="rotate(-90 12 {(_TOP + HEIGHT - _BOTTOM) / 2})"'
    parts.append(f'<text {place} {turned} text-anchor="middle">{escape(y_name)}</text>')
    return parts


def _drawn(curve: Curve, across: _Axis, up: _Axis) -> str:
    places = [(across.place(x), up.place(y)) for x, y in curve.points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn = f'<polyline class="curve {curve.kind}" points="{line}"/>'
    if curve.marks or len(places) == 1:
        drawn += "".join(f'<circle class="{curve.kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    return drawn
