"""What the cells of a plane have in common: their size, and how they moved since the plane before."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import islice
from statistics import median
from typing import TypeAlias

from cellsam_desktop.analysis.along import GAP
from cellsam_desktop.analysis.doubts import Facts
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey

Way: TypeAlias = tuple[float, float]
"""How something moved, (x, y) in pixels."""

_SAMPLE = 64
"""So many cells of a plane are asked, the oldest."""
_FEWEST = 4
_SIZES, _WAYS = 1 / 8, 2.0
"""Steps in doublings and in pixels, so that an edit seldom changes what all cells are compared with."""


class Crowd:
    """Medians over the cells of each plane of a document, worked out when asked for."""

    def __init__(self, document: Document, measure: Callable[[int, PlaneKey], Facts]) -> None:
        self._document, self._measure = document, measure
        self._areas: dict[PlaneKey, float | None] = {}
        self._ways: dict[PlaneKey, dict[PlaneKey, Way]] = {}

    def smaller(self, area: int, key: PlaneKey) -> float:
        """How much smaller than is common on a plane, a logarithm; 0 where there are too few to say."""
        if key not in self._areas:
            self._areas[key] = self._common_area(key)
        common = self._areas[key]
        return 0.0 if common is None else common - math.log(area)

    def way(self, before: PlaneKey, now: PlaneKey) -> Way:
        """How the cells moved between two planes, (x, y) in pixels; 0 where there are too few to say."""
        known = self._ways.setdefault(now, {})
        if before not in known:
            known[before] = self._common_way(before, now)
        return known[before]

    def forget(self, keys: Iterable[PlaneKey]) -> None:
        """Nothing is known of some planes any more."""
        for key in keys:
            self._areas.pop(key, None)
            for near in range(key.t, key.t + GAP + 1):
                self._ways.pop(key._replace(t=near), None)

    def changed(self, key: PlaneKey) -> set[PlaneKey]:
        """Look at a plane again; the planes on which something else is common now."""
        areas = {key: self._areas[key]} if key in self._areas else {}
        later = [key._replace(t=key.t + step) for step in range(GAP + 1)]
        ways = [(now, before, way) for now in later for before, way in self._ways.get(now, {}).items()]
        self.forget([key])
        self._areas |= {key: self._common_area(key) for key in areas}
        other = {now for now, before, way in ways if self.way(before, now) != way}
        return other | {key for key, area in areas.items() if self._areas[key] != area}

    def _common_area(self, key: PlaneKey) -> float | None:
        cells = self._document.cells_on(key)[:_SAMPLE]
        if len(cells) < _FEWEST:
            return None
        doublings = math.log2(median(self._measure(cell_id, key).area for cell_id in cells))
        return math.log(2) * _SIZES * round(doublings / _SIZES)

    def _common_way(self, before: PlaneKey, now: PlaneKey) -> Way:
        both = (i for i in self._document.cells_on(now) if before in self._document.track(i))
        cells = list(islice(both, _SAMPLE))
        if len(cells) < _FEWEST:
            return 0.0, 0.0
        pairs = [(self._measure(i, before), self._measure(i, now)) for i in cells]
        ways = median(n.x - b.x for b, n in pairs), median(n.y - b.y for b, n in pairs)
        return _WAYS * round(ways[0] / _WAYS), _WAYS * round(ways[1] / _WAYS)
