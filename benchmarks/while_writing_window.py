"""The window of ``benchmarks.while_writing``: hovers while it writes or rests; prints JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from benchmarks.click_window import Alone, look_everywhere, places, spread_out
from benchmarks.while_training_window import one_hover
from benchmarks.while_writing import SIDES
from benchmarks.window_probe import Probe
from cellsam_desktop import paths
from cellsam_desktop.core.edits import AddTrack
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source

_MOVIE, _FRAME = "movie_bacteria", 18
_FRAMES = 300
_CELLS = 150
_RADIUS = 6
_CLEAR = 40.0
"""So many pixels from the places that are hovered over, at least, lie the masks."""
_BLOCK = 10


def write_movie(data: Path, folder: Path) -> Path:
    """One frame over and over, so that nothing is encoded meanwhile."""
    movie = folder / "frames.tif"
    frame = tifffile.imread(data / _MOVIE / "movie.tif", key=_FRAME)
    frames = np.broadcast_to(frame, (_FRAMES, *frame.shape))
    tifffile.imwrite(movie, frames, imagej=True, metadata={"axes": "TYX"})
    return movie


def discs(shape: tuple[int, int], spots: list[tuple[float, float]]) -> Iterator[Mask]:
    """Masks on a grid, away from the spots (x, y)."""
    y, x = np.mgrid[-_RADIUS : _RADIUS + 1, -_RADIUS : _RADIUS + 1]
    disc = np.hypot(y, x) <= _RADIUS
    step = 3 * _RADIUS
    for row in range(step, shape[0] - step, step):
        for column in range(step, shape[1] - step, step):
            if all(np.hypot(row - spot[1], column - spot[0]) > _CLEAR for spot in spots):
                mask = Mask.from_array(disc, row - _RADIUS, column - _RADIUS)
                assert mask is not None
                yield mask


def put_cells(probe: Probe, spots: list[tuple[float, float]]) -> int:
    """Cells that stay where they are on all frames; how many masks that is."""
    session = probe.session
    assert session.movie is not None
    sizes = session.movie.info.sizes
    found = [mask for _, mask in zip(range(_CELLS), discs((sizes.y, sizes.x), spots), strict=False)]
    edits = [
        AddTrack(Cell(number), {PlaneKey(t): MaskRecord(mask, Source.BRUSH) for t in range(_FRAMES)})
        for number, mask in enumerate(found, start=session.movie.document.next_id)
    ]
    session.commit("Put cells", edits)
    probe.wait(lambda: not session.jobs.runner.jobs, "the project on the disk")
    return len(found) * _FRAMES


class Writing:
    """Writes in one way or another, or not at all; ``written`` counts how often that was begun."""

    def __init__(self, probe: Probe, folder: Path) -> None:
        self._session = probe.session
        self._folder = folder
        self._numbers = count(1)
        self._ways = {"exporting": self._export, "saving": self._save}
        self.written = dict.fromkeys(SIDES, 0)

    def go_on(self, side: str) -> None:
        """Begin again, if the last time has come to its end."""
        if side in self._ways and not self._session.jobs.runner.jobs:
            self.written[side] += 1
            self._ways[side]()

    def _export(self) -> None:
        self._session.exchange.export_tracks(self._folder / "ctc", "ctc")

    def _save(self) -> None:
        self._session.exchange.save_as(self._folder / f"copy{next(self._numbers) % 2}.cellsam")


def measure(probe: Probe, writing: Writing, spots: list[tuple[float, float]], hovers: int) -> dict[str, Any]:
    """Hovers in blocks that take turns."""
    alone = Alone(probe)
    for x, y in spots:
        alone.time(x, y)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    todo = list(spread_out(spots, len(SIDES) * hovers))
    while todo:
        for side in SIDES:
            block, todo = todo[:_BLOCK], todo[_BLOCK:]
            for place in block:
                writing.go_on(side)
                found[side].append(one_hover(probe, alone, *place))
            probe.wait(lambda: not probe.session.jobs.runner.jobs, "the end of writing")
    return found


def main() -> None:
    """Open, put cells, and hover."""
    data, hovers = Path(sys.argv[1]), int(sys.argv[2])
    folder = paths.documents_dir()
    folder.mkdir(parents=True, exist_ok=True)
    spots, probe = places(data), Probe()
    probe.open(write_movie(data, folder))
    masks = put_cells(probe, spots)
    look_everywhere(probe, spots)
    writing = Writing(probe, folder)
    report = {"hovers": measure(probe, writing, spots, hovers), "masks": masks, "written": writing.written}
    probe.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
