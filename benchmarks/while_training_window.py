"""The window of ``benchmarks.while_training``: hovers while a training learns or rests; prints JSON."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import tifffile

from benchmarks.click_window import Alone, away, look_everywhere, places, spread_out
from benchmarks.window_probe import Probe
from cellsam_desktop import paths
from cellsam_desktop.curation.training_course import Phase
from cellsam_desktop.curation.training_runs import Choice

_MOVIE = "movie_bacteria"
_FRAMES = slice(14, 20)
_BLOCK = 10
"""So many hovers with the training at rest, then as many while it learns, and so on."""
_PAUSE_S = 0.2
_SETTLE_S = 3.0
_BEGIN_S = 600.0
_MINUTES = 30.0


def write_data(data: Path, folder: Path) -> Path:
    """What is learned from: some frames with all their labels."""
    target = folder / "learn"
    target.mkdir()
    for name in ("movie", "tracks"):
        frames = tifffile.imread(data / _MOVIE / f"{name}.tif")[_FRAMES]
        tifffile.imwrite(target / f"{name}.tif", frames, imagej=True, metadata={"axes": "TYX"})
    return target


def write_movie(data: Path, folder: Path) -> Path:
    """What is hovered over: one frame, so that nothing is encoded meanwhile."""
    movie = folder / "frame.tif"
    frame = tifffile.imread(data / _MOVIE / "movie.tif", key=_FRAMES.start + 4)
    tifffile.imwrite(movie, frame[None], imagej=True, metadata={"axes": "TYX"})
    return movie


def measure(probe: Probe, spots: list[tuple[float, float]], hovers: int) -> dict[str, list[dict[str, float]]]:
    """Hovers in blocks that take turns: the training at rest, the training at work."""
    training, alone = probe.session.training, Alone(probe)
    for x, y in spots:
        alone.time(x, y)
    found: dict[str, list[dict[str, float]]] = {"at rest": [], "learning": []}
    todo = list(spread_out(spots, 2 * hovers))
    while todo and training.running:
        for name, change in (("at rest", training.pause), ("learning", training.go_on)):
            change()
            probe.rest(_SETTLE_S)
            block, todo = todo[:_BLOCK], todo[_BLOCK:]
            found[name] += [one_hover(probe, alone, *place) for place in block]
    return found


def one_hover(probe: Probe, alone: Alone, x: float, y: float) -> dict[str, float]:
    """The decoder alone, and a hover until it is on the screen."""
    away(probe)
    decoder = alone.time(x, y)
    probe.rest(_PAUSE_S)
    return {"decoder": decoder, "hover": probe.until_painted(lambda: probe.move(x, y), probe.hover)}


def main() -> None:
    """Begin to train, and hover."""
    data, hovers = Path(sys.argv[1]), int(sys.argv[2])
    folder = paths.documents_dir()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spots, probe = places(data), Probe()
    probe.open(write_movie(data, folder))
    look_everywhere(probe, spots)
    training = probe.session.training
    training.start(Choice(this_project=False, paths=(write_data(data, folder),), minutes=_MINUTES))
    probe.wait(lambda: training.course.last or not training.running, "the first step", _BEGIN_S)
    if training.course.phase is not Phase.LEARNING:
        raise RuntimeError(training.course.error or "training ended before it began")
    steps = training.course.last.step if training.course.last else 0
    report: dict[str, Any] = {"hovers": measure(probe, spots, hovers)}
    report["steps"] = (training.course.last.step if training.course.last else 0) - steps
    training.shutdown()
    probe.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
