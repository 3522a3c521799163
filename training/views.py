"""What the encoder sees of a frame: a region, possibly turned or mirrored, in pixels of its own."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import BoolArray
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.sam.crops import looks_for
from cellsam_desktop.sam.transforms import InputGeometry
from training.frames import CellTruth, Frame
from training.images import Image

Look = Literal["window", "whole", "crops", "patches"]
TURNS = 8
_VISIBLE = 0.5
"""A cell counts as being in a view with this part of its pixels."""


@dataclass(frozen=True)
class View:
    """``region`` of a frame's plane, turned by ``turn`` (0 to 7) of the dihedral group.

    ``turn % 4`` quarter turns counter-clockwise, as ``numpy.rot90``; from 4 on mirrored left to right first.
    Pixels of the view count from its own top left. ``asked`` are the ids of the cells that this view stands
    for; None: all that it shows. A ``closer`` view is one that the window looks at beside the first.
    """

    frame: Frame
    region: Region
    turn: int = 0
    asked: frozenset[int] | None = None
    closer: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the view, after turning."""
        height, width = self.region.height, self.region.width
        return (width, height) if self.turn % 2 else (height, width)

    @property
    def geometry(self) -> InputGeometry:
        """How the view's pixels lie in the encoder's input."""
        return InputGeometry(Region.whole(*self.shape))

    @property
    def cells(self) -> tuple[CellTruth, ...]:
        """The cells asked about of which at least half lies within the view."""
        asked = self.asked
        cells = (cell for cell in self.frame.cells if asked is None or cell.cell_id in asked)
        return tuple(cell for cell in cells if self._shows(cell))

    def image(self) -> Image:
        """What the encoder sees, (height, width, 3). Raises ImageError."""
        return _turned(self.frame.image()[self.region.slices], self.turn)

    def truth(self, cell: CellTruth) -> BoolArray:
        """The cell's pixels, (height, width), in the view."""
        return _turned(cell.mask.crop(self.region), self.turn)

    def unsure(self) -> BoolArray | None:
        """The pixels (height, width) that no loss is to look at; None where there are none."""
        unsure = self.frame.unsure
        if unsure is None or unsure.region.intersect(self.region) is None:
            return None
        return _turned(unsure.crop(self.region), self.turn)

    def prompts(self, cell: CellTruth) -> tuple[Prompts, ...]:
        """What was really prompted for a cell, in the view's pixels; what reaches beyond it is left out."""
        return tuple(self._placed(prompts) for prompts in cell.prompts if self._holds(prompts))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A position in plane pixels in those of the view."""
        x, y = x - self.region.x0, y - self.region.y0
        height, width = self.region.height, self.region.width
        if self.turn >= 4:
            x = width - 1 - x
        for _ in range(self.turn % 4):
            x, y = y, width - 1 - x
            height, width = width, height
        return x, y

    def _shows(self, cell: CellTruth) -> bool:
        common = cell.mask.region.intersect(self.region)
        if common is None:
            return False
        if common == cell.mask.region:
            return True
        return int(np.count_nonzero(cell.mask.crop(common))) >= _VISIBLE * cell.mask.area

    def _holds(self, prompts: Prompts) -> bool:
        corners = [] if prompts.box is None else _corners(prompts.box)
        places = [(point.x, point.y) for point in prompts.points] + corners
        return all(self.region.contains(x, y) for x, y in places)

    def _placed(self, prompts: Prompts) -> Prompts:
        points = tuple(Point(*self.place(point.x, point.y), point.positive) for point in prompts.points)
        if prompts.box is None:
            return Prompts(points)
        (xa, ya), (xb, yb) = (self.place(x, y) for x, y in _corners(prompts.box))
        return Prompts(points, Box.from_corners(xa, ya, xb, yb))


def views_of(
    frames: Sequence[Frame], look: Look, patch: int = 512, turns: int = 1, overlap: float = 0.25
) -> list[View]:
    """The views of frames that show at least one cell, so ordered that the first ones serve best alone.

    ``whole`` planes, or, where a plane is too large for that, what inference looks at first for each cell;
    the ``crops`` that inference looks at for these cells, first without, then with knowledge of their size;
    both (``window``); or square ``patches`` of ``patch`` pixels, which overlap by this part of their side.
    ``turns`` of the eight forms of each follow, those of all views before the next.
    """
    if look == "whole":
        straight = [view for frame in frames for view in _overviews(frame)]
    elif look == "patches":
        straight = [View(frame, part) for frame in frames for part in _patches(_plane(frame), patch, overlap)]
    elif look == "crops":
        straight = _crops(frames)
    else:
        first = [view for frame in frames for view in _overviews(frame)]
        known = {(view.frame, view.region) for view in first}
        closer = [view for view in _crops(frames) if (view.frame, view.region) not in known]
        straight = first + [replace(view, closer=True) for view in closer]
    straight = [view for view in straight if view.cells]
    return [replace(view, turn=turn) for turn in _ORDER[:turns] for view in straight]


def held_out_views(
    frames: Sequence[Frame], look: Look, patch: int, cells: int, overlap: float = 0.25
) -> list[View]:
    """Views to look at now and then while training; of the ``window`` one half of ``cells`` each way.

    Whole planes, and for single cells evenly spread the first closer look at each.
    """
    if look != "window":
        return views_of(frames, look, patch, overlap=overlap)
    known, every = diameters(frames), [(frame, cell) for frame in frames for cell in frame.cells]
    places = np.linspace(0, len(every) - 1, min(len(every), cells // 2)).round().astype(int)
    first: defaultdict[tuple[Frame, Region], set[int]] = defaultdict(set)
    closer: defaultdict[tuple[Frame, Region], set[int]] = defaultdict(set)
    for frame, cell in (every[place] for place in places):
        plane, click = _plane(frame), _click(cell)
        first[frame, looks_for(plane, click, None)[0]].add(cell.cell_id)
        closer[frame, looks_for(plane, click, known[frame.data_set, frame.movie])[-1]].add(cell.cell_id)
    views = [View(*place, asked=frozenset(ids)) for place, ids in first.items()]
    views += [View(*place, asked=frozenset(ids), closer=True) for place, ids in closer.items()]
    return [view for view in views if view.cells]


_ORDER = (0, 2, 1, 3, 4, 6, 5, 7)
"""Half a turn keeps the shape of the input, so it comes first."""


def diameters(frames: Iterable[Frame]) -> Mapping[tuple[str, str], float]:
    """By data set and movie, what inference knows of the cells' size: that of a disc of their median area."""
    areas: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for frame in frames:
        areas[frame.data_set, frame.movie] += [cell.mask.area for cell in frame.cells]
    return {movie: 2 * math.sqrt(float(np.median(found)) / math.pi) for movie, found in areas.items()}


def _overviews(frame: Frame) -> list[View]:
    """Where inference looks first when nothing is known; each cell belongs to one look."""
    plane = _plane(frame)
    asked: defaultdict[Region, set[int]] = defaultdict(set)
    for cell in frame.cells:
        asked[looks_for(plane, _click(cell), None)[0]].add(cell.cell_id)
    return [
        View(frame, region, asked=None if region == plane else frozenset(ids))
        for region, ids in asked.items()
    ]


def _crops(frames: Sequence[Frame]) -> list[View]:
    """Where inference looks: the first looks of all frames, then the closer ones."""
    known = diameters(frames)
    ranks: list[list[View]] = [[], [], [], []]
    for frame in frames:
        for rank, regions in enumerate(_looks(frame, known[frame.data_set, frame.movie])):
            ranks[rank] += [View(frame, region) for region in regions]
    return list(dict.fromkeys(view for rank in ranks for view in rank))


def _looks(frame: Frame, diameter: float) -> list[list[Region]]:
    """For a click on each cell: looks without knowledge and with, the first ones and the closer ones."""
    plane = _plane(frame)
    ranks: list[list[Region]] = [[], [], [], []]
    for cell in frame.cells:
        for rank, size in enumerate((None, diameter)):
            first, *closer = looks_for(plane, _click(cell), size)
            ranks[rank].append(first)
            ranks[2 + rank] += closer
    return [list(dict.fromkeys(regions)) for regions in ranks]


def _patches(plane: Region, side: int, overlap: float) -> list[Region]:
    rows, columns = _starts(plane.height, side, overlap), _starts(plane.width, side, overlap)
    height, width = min(side, plane.height), min(side, plane.width)
    return [Region(y0, x0, height, width) for y0 in rows for x0 in columns]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Even steps from 0 to the last that fits, neighbours overlapping by ``overlap`` of the side or more."""
    room = max(0, length - side)
    steps = math.ceil(room / max(1.0, side * (1 - overlap)))
    return [round(room * step / steps) for step in range(steps + 1)] if steps else [0]


def _click(cell: CellTruth) -> Prompts:
    return Prompts((Point(*cell.mask.centroid),))


def _plane(frame: Frame) -> Region:
    return Region.whole(*frame.shape)


def _corners(box: Box) -> list[tuple[float, float]]:
    return [(box.x0, box.y0), (box.x1, box.y1)]


def _turned(pixels: NDArray[Any], turn: int) -> NDArray[Any]:
    """``pixels`` (height, width, ...) turned as ``View`` says."""
    if turn >= 4:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(np.rot90(pixels, turn % 4))
