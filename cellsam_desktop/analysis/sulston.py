"""Names of embryonic cells of *C. elegans* after Sulston et al. 1983 (Dev. Biol. 100:64-119).

A daughter is called after her mother, with the letter of the side on which she lies right after the division:
a(nterior), p(osterior), l(eft), r(ight), d(orsal), v(entral). The founder cells have names of their own.
``docs/lineage-naming.md`` tells curators the rule and its limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.analysis.measure import measure
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import EditRefused

Vector = tuple[float, float, float]
"""(z, y, x) of the image in micrometres: x right, y down, z as the movie counts its planes."""
Pair = tuple[str, str]

AXES: tuple[Pair, ...] = (("a", "p"), ("l", "r"), ("d", "v"))
"""The letters of each axis, in the order in which they are offered."""

FOUNDERS: dict[str, tuple[Pair, str]] = {
    "P0": (("AB", "P1"), "a"),
    "P1": (("EMS", "P2"), "a"),
    "EMS": (("MS", "E"), "a"),
    # From here on the germ line is born on the ventral side (Schierenberg 1987, Dev. Biol. 122:452).
    "P2": (("C", "P3"), "d"),
    "P3": (("D", "P4"), "d"),
    "P4": (("Z3", "Z2"), "a"),
}
"""Founder cells: the names of the daughters, and the side of the first one."""

_LEFT_AND_RIGHT = frozenset({"ABa", "ABp", "Ea", "Ep"})
_FRONT_AND_BACK = frozenset(
    {"AB", "ABal", "ABar", "ABpl", "ABpr", "MS", "MSa", "MSp", "E", "C", "Ca", "Cp", "D"}
)
"""Divisions whose letters everybody knows, however oblique they look."""

_NAME = re.compile(r"P[0-4]|EMS|(AB|MS|E|C|D)[aplrdv]*")
_OBLIQUE = 0.5
"""Most divisions are called a and p: one is, unless another axis is more than twice as strong."""
_FLAT = 0.1
"""A part of the way between two daughters below which nobody can say who is on which side."""


@dataclass(frozen=True)
class Axes:
    """Where the embryo's head and back lie in the image, as directions of any length.

    Left follows from the two; ``mirrored`` says that z is counted towards the viewer, or that the image is a
    mirror image, so that left and right change places.

    Raises:
        EditRefused: the two do not make a right angle even nearly, or one has no length.
    """

    anterior: Vector
    dorsal: Vector
    mirrored: bool = False

    def __post_init__(self) -> None:
        along, up = np.array(self.anterior, float), np.array(self.dorsal, float)
        lengths = float(np.linalg.norm(along) * np.linalg.norm(up))
        if not lengths or abs(along @ up) > 0.9 * lengths:
            raise EditRefused(
                "Anterior and dorsal point along the same line: choose directions at a right angle."
            )

    @property
    def sides(self) -> NDArray[np.float64]:
        """Unit vectors (3, 3) towards the sides a, l and d, in z, y, x; d is turned square to a."""
        along = np.array(self.anterior, float)
        along /= np.linalg.norm(along)
        up = np.array(self.dorsal, float)
        up -= (up @ along) * along
        up /= np.linalg.norm(up)
        left = np.cross(along, up)  # with z first, so the other way round than with x first
        return np.stack([along, -left if self.mirrored else left, up])


@dataclass(frozen=True)
class Naming:
    """``names`` by cell id, and why the daughters of some mothers got none, by the mother's id."""

    names: dict[int, str] = field(default_factory=dict)
    undecided: dict[int, str] = field(default_factory=dict)


def is_sulston(name: str) -> bool:
    """Whether the daughters of a cell of this name have names by the rules."""
    return _NAME.fullmatch(name) is not None


def daughters_of(name: str) -> list[Pair]:
    """The pairs of names that the daughters of a named cell can have, the likeliest first.

    Empty for a name that is not by the rules.
    """
    if name in FOUNDERS:
        names, _ = FOUNDERS[name]
        return [names, (names[1], names[0])]
    if not is_sulston(name):
        return []
    letters = sorted(AXES, key=lambda pair: pair[0] != _expected(name))
    return [(name + first, name + second) for first, second in letters]


def axes_of(document: Document) -> Axes | None:
    """The axes as the cells ABa, ABp, EMS and P2 lie when all four are there; None without them.

    ABa lies in front, P2 behind, ABp dorsally and EMS ventrally.
    """
    named = {document.cell(i).name: i for i in document.cell_ids}
    four = [named.get(name) for name in ("ABa", "P2", "ABp", "EMS")]
    spans = [document.span(i) for i in four if i is not None]
    if len(spans) < 4 or None in spans:
        return None
    t = max(span[0] for span in spans if span)
    front, back, top, bottom = (_position(document, i, t) for i in four if i is not None)
    if front is None or back is None or top is None or bottom is None:
        return None
    return Axes(_vector(front - back), _vector(top - bottom))


def propose_names(document: Document, given: Mapping[int, str], axes: Axes | Callable[[int], Axes]) -> Naming:
    """The names ``given`` by cell id, and those of the descendants that follow from them.

    Of two sisters of which one was given a name the other gets its counterpart. ``axes`` may be a function
    of the frame, for embryos that turn in the image. A division of which the sides cannot be told leaves
    everything below it without names.
    """
    naming = Naming(dict(given))
    births = {mother: _birth(document, pair) for mother, pair in document.lineage.divisions()}
    for mother in sorted(births, key=lambda mother: births[mother]):
        daughters = document.lineage.daughters(mother)
        name = naming.names.get(mother, "")
        if daughters is None or not is_sulston(name):
            continue
        known = given.get(daughters[0], ""), given.get(daughters[1], "")
        at = axes(births[mother]) if callable(axes) else axes
        decide = partial(_by_side, document, daughters, births[mother], at)
        try:
            pair = known if all(known) else _with_sister(name, known) if any(known) else decide(name)
        except EditRefused as reason:
            naming.undecided[mother] = str(reason)
            continue
        naming.names.update(zip(daughters, pair, strict=True))
    return naming


def _expected(name: str) -> str:
    return "l" if name in _LEFT_AND_RIGHT else "a"


def _with_sister(mother: str, given: Pair) -> Pair:
    """One daughter was named by hand: the other one gets the other name."""
    for first, second in daughters_of(mother):
        for pair in ((first, second), (second, first)):
            if given in ((pair[0], ""), ("", pair[1])):
                return pair
    name = given[0] or given[1]
    raise EditRefused(f"{name} is no name for a daughter of {mother}: name her sister by hand too.")


def _by_side(document: Document, daughters: tuple[int, int], t: int, axes: Axes, mother: str) -> Pair:
    one, other = (_position(document, daughter, t) for daughter in daughters)
    if one is None or other is None:
        raise EditRefused(f"The daughters of {mother} do not begin on the same frame: name them by hand.")
    parts = dict(zip("ald", axes.sides @ (one - other), strict=True))
    side, pair = _letters(mother, parts)
    if abs(parts[side]) < _FLAT * max(float(np.linalg.norm(one - other)), 1e-9):
        raise EditRefused(f"The daughters of {mother} lie side by side where it matters: name them by hand.")
    return pair if parts[side] > 0 else (pair[1], pair[0])


def _letters(mother: str, parts: dict[str, float]) -> tuple[str, Pair]:
    """The side that decides, and the names of the daughter on that side and of the other one."""
    if mother in FOUNDERS:
        pair, side = FOUNDERS[mother]
        return side, pair
    strength = {side: abs(part) for side, part in parts.items()}
    side = _expected(mother)
    if mother not in _LEFT_AND_RIGHT | _FRONT_AND_BACK:
        strongest = max(strength, key=lambda side: strength[side])
        side = "a" if strength["a"] >= _OBLIQUE * strength[strongest] else strongest
    first, second = next(letters for letters in AXES if letters[0] == side)
    return side, (mother + first, mother + second)


def _birth(document: Document, daughters: tuple[int, int]) -> int:
    """The first frame on which both daughters may be there."""
    return max((span[0] for daughter in daughters if (span := document.span(daughter))), default=0)


def _position(document: Document, cell_id: int, t: int) -> NDArray[np.float64] | None:
    """Centroid over all z on a frame, (z, y, x) in micrometres (in pixels and planes without a scale)."""
    scale, track = document.calibration, document.track(cell_id)
    rows = [measure(cell_id, key, record) for key, record in track.items() if key.t == t]
    if not rows:
        return None
    places = np.array([(row.z, row.y, row.x) for row in rows], float)
    middle = np.average(places, axis=0, weights=[row.area for row in rows])
    size = scale.pixel_size_um or 1.0
    return np.asarray(middle * (scale.z_step_um or size, size, size), dtype=np.float64)


def _vector(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
