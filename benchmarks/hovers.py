"""Hovers in the real window under several circumstances: their figures, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.click import spread

_SERIES = ("hover", "decoder")


def figures(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Median and 95th percentile of the hovers of one side and of the decoder alone, in milliseconds."""
    return {**{name: spread([row[name] for row in rows]) for name in _SERIES}, "hovers": len(rows)}


def table(sides: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line of Markdown for each side, by what it is called, below a head."""
    lines = ["| ms | hover, median | 95 % | decoder alone, median | 95 % |", "|---|--:|--:|--:|--:|"]
    for title, found in sides.items():
        cells = [f"{found[name][part]:.1f}" for name in _SERIES for part in ("p50", "p95")]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines
