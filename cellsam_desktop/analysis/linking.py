"""Linking masks over time: which masks of a label movie are one cell, and which cells divided.

Neighbouring frames are linked by the cheapest assignment of overlap, distance, size and brightness, divisions
included, and again with the motion that neighbouring cells share taken out. Then tracks that end are joined
with tracks that begin up to a few frames later. After Jaqaman et al. 2008, but with divisions already in the
first step, where mother and daughters still overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from cellsam_desktop.analysis.assignment import Assignment, Pair, Triple, assign
from cellsam_desktop.analysis.linking_costs import ALONE, candidates, costs
from cellsam_desktop.analysis.linking_detection import (
    Detection,
    Frames,
    Point,
    ReadPlane,
    cell_size,
    detections,
)
from cellsam_desktop.analysis.linking_motion import jump, shared, velocity
from cellsam_desktop.core.progress import Report

__all__ = ["Frames", "Links", "Options", "ReadPlane", "link"]

Key = tuple[int, int]
"""Frame and label."""

_CONVINCING = 1.1
"""How much better everything must fit before the stage is believed to have jumped."""


@dataclass(frozen=True)
class Options:
    """``max_gap`` is the number of frames on which a cell may be missing; ``z_step`` the distance of z
    positions in pixels.
    """

    max_gap: int = 2
    divisions: bool = True
    z_step: float = 1.0


@dataclass(frozen=True)
class Links:
    """``track_of`` gives every (frame, label) its track, from 1 in order of appearance."""

    track_of: dict[Key, int]
    divisions: list[tuple[int, tuple[int, int]]]


def link(
    frames: Frames,
    read: ReadPlane | None = None,
    options: Options | None = None,
    progress: Report | None = None,
) -> Links:
    """Link the masks of a movie; labels need mean nothing from one frame to the next.

    ``read`` gives the pixels of a plane when brightness shall count; ``progress`` gets the fraction done and
    may raise to stop.
    """
    return _Linker(frames, read, options or Options(), progress).run()


@dataclass
class _Chain:
    """Masks that follow each other without a gap."""

    masks: list[Detection]
    children: list[_Chain] = field(default_factory=list)
    mothered: bool = False


class _Linker:
    def __init__(
        self, frames: Frames, read: ReadPlane | None, options: Options, progress: Report | None
    ) -> None:
        self._frames, self._read, self._options, self._progress = frames, read, options, progress
        self._size = cell_size(frames)
        self._chains: list[_Chain] = []

    def run(self) -> Links:
        times = sorted(t for t, labels in self._frames.items() if labels)
        before: list[Detection] = []
        open_chains: list[_Chain] = []
        for number, t in enumerate(times):
            if self._progress is not None:
                self._progress(number / len(times))
            now = detections(self._frames, t, self._read, self._options.z_step)
            if before and before[0].t != t - 1:
                before, open_chains = [], []
            open_chains = self._extend(before, now, open_chains)
            before = now
        for gap in range(1, self._options.max_gap + 1):
            self._close(gap)
        return self._numbered()

    def _extend(self, before: list[Detection], now: list[Detection], chains: list[_Chain]) -> list[_Chain]:
        """Link two neighbouring frames; the chains of ``now``, in its order."""
        links, splits = self._pair(before, now)
        found: dict[int, _Chain] = {}
        for i, j in links:
            chains[i].masks.append(now[j])
            found[j] = chains[i]
        for j, detection in enumerate(now):
            if j not in found:
                found[j] = _Chain([detection])
                self._chains.append(found[j])
        for i, *daughters in splits:
            _divide(chains[i], [found[j] for j in daughters])
        return [found[j] for j in range(len(now))]

    def _pair(self, before: list[Detection], now: list[Detection]) -> tuple[list[Pair], list[Triple]]:
        """Links and divisions between neighbouring frames, with the motion of the whole taken out."""
        base = np.zeros(3)
        found = self._solve(before, now, [base] * len(before))
        moved = jump(before, now, self._size)
        if moved is not None:
            other = self._solve(before, now, [moved] * len(before))
            if other.cost < _CONVINCING * found.cost:
                base, found = moved, other
        shifts = shared(before, now, found.links, base)
        if any(shift is not base for shift in shifts):
            found = self._solve(before, now, shifts)
        return found.links, found.splits

    def _close(self, gap: int) -> None:
        """Join chains that end with chains that begin after ``gap`` frames without the cell."""
        by_end: dict[int, list[_Chain]] = {}
        for chain in self._chains:
            if not chain.children:
                by_end.setdefault(chain.masks[-1].t, []).append(chain)
        for t in sorted(by_end):
            ends = [chain for chain in by_end[t] if not chain.children]
            starts = [c for c in self._chains if c.masks[0].t == t + gap + 1 and not c.mothered]
            shifts = [velocity(chain.masks[-4:], self._size) * (gap + 1) for chain in ends]
            found = self._solve([c.masks[-1] for c in ends], [c.masks[0] for c in starts], shifts)
            for i, *following in [*found.links, *found.splits]:
                _divide(ends[i], [starts[j] for j in following])

    def _solve(
        self, before: Sequence[Detection], now: Sequence[Detection], shifts: Sequence[Point]
    ) -> Assignment:
        near = candidates(before, now, shifts, self._size)
        found = costs(before, now, near, shifts, self._size, divisions=self._options.divisions)
        return assign(*found, ALONE)

    def _numbered(self) -> Links:
        """Chains with one child are one track with a gap."""
        track_of: dict[Key, int] = {}
        divisions = []
        number: dict[int, int] = {}
        following = count(1)
        for chain in sorted(self._chains, key=lambda c: (c.masks[0].t, c.masks[0].label)):
            own = number[id(chain)] if id(chain) in number else next(following)
            number[id(chain)] = own
            if len(chain.children) == 1:
                number[id(chain.children[0])] = own
            track_of |= {(mask.t, mask.label): own for mask in chain.masks}
        for chain in self._chains:
            if len(chain.children) == 2:
                one, other = sorted(number[id(child)] for child in chain.children)
                divisions.append((number[id(chain)], (one, other)))
        return Links(track_of, sorted(divisions))


def _divide(chain: _Chain, children: list[_Chain]) -> None:
    chain.children = children
    for child in children:
        child.mothered = True
