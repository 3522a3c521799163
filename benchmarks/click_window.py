"""The window of ``benchmarks.click``: clicks in it, and prints what it took as one line of JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from benchmarks import data_sets
from benchmarks.prompts import interior_point
from benchmarks.window_probe import Probe
from cellsam_desktop import paths
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.curation.draft import Step
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.providers import CPU

_MOVIE = "movie_bacteria"
_FRAME = 18
"""The first frame of the movies made here, for its many cells."""
_LONG = 300
_PLACES = 12
_PAUSE_S = 0.25
_ASIDE = 3.0
"""So many plane pixels are more than one of the screen: clicking where the mouse was costs no decode."""


class Alone:
    """The decoder without the window: a session of its own on the looks that the window asks first, on the
    device that the window's decoder runs on.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        path = probe.session.encoding.decoder_path
        assert path is not None
        self.decoder = OnnxDecoder(path, providers=_providers(probe))
        self._images: dict[str, Any] = {}

    def time(self, x: float, y: float) -> float:
        """Milliseconds for the first mask of a click at (x, y)."""
        session, prompts = self._probe.session, Prompts((Point(x, y),))
        step = Step(prompts)
        look = session.questions.encoded(step, session.questions.wanted(step))[0]
        if look.key not in self._images:
            embedding = session.jobs.cache.get(look.key)
            assert embedding is not None
            self._images[look.key] = self.decoder.prepare(embedding)
        begun = time.perf_counter()
        answer = self.decoder.decode(self._images[look.key], look.geometry, prompts)
        logits_to_mask(answer.candidates[0].logits, look.geometry)
        return 1000 * (time.perf_counter() - begun)


def _providers(probe: Probe) -> list[str]:
    """Those of the window's decoder, once it is loaded."""
    thread = probe.session.jobs.decoder
    probe.wait(lambda: thread.provider, "the decoder")
    return [CPU] if thread.provider == CPU else [thread.provider, CPU]


def places(data: Path) -> list[tuple[float, float]]:
    """A point deep inside each cell of the first frame."""
    truth = list(data_sets.samples(data, _MOVIE))[_FRAME].truth
    points = [interior_point(mask).points[0] for mask in truth]
    return [(point.x, point.y) for point in points][:_PLACES]


def write_movies(data: Path, folder: Path) -> tuple[Path, Path]:
    """A movie of one frame, and a long one that begins with it: its other frames are moved sideways."""
    frame = tifffile.imread(data / _MOVIE / "movie.tif", key=_FRAME)
    short, long = folder / "short.tif", folder / "long.tif"
    tifffile.imwrite(short, frame[None], imagej=True, metadata={"axes": "TYX"})
    frames = np.stack([np.roll(frame, 3 * t, axis=1) for t in range(_LONG)])
    tifffile.imwrite(long, frames, imagej=True, metadata={"axes": "TYX"})
    return short, long


def measure(probe: Probe, spots: list[tuple[float, float]], clicks: int) -> dict[str, Any]:
    """All series of one phase."""
    look_everywhere(probe, spots)
    alone = Alone(probe)
    for x, y in spots:
        alone.time(x, y)  # prepares its images
    encodes = probe.session.jobs.encoder.encodes
    probe.app.reset()
    rows = [one_click(probe, alone, *place) for place in spread_out(spots, clicks)]
    slowest = max(probe.app.slowest, key=lambda handled: handled.ms)
    busiest = max(probe.app.busiest, key=lambda handled: handled.busy_ms)
    return {
        "series": {name: [row[name] for row in rows] for name in rows[0]},
        "longest_handler": {
            "ms": slowest.ms, "event": str(slowest), "busy_ms": busiest.busy_ms, "busy_event": str(busiest),
        },
        "encodes": probe.session.jobs.encoder.encodes - encodes,
    }  # fmt: skip


def look_everywhere(probe: Probe, spots: list[tuple[float, float]]) -> None:
    """Until all looks that clicks at these places ask are encoded."""
    agenda, questions = probe.session.agenda, probe.session.questions
    for x, y in spots:
        step = Step(Prompts((Point(x, y),)))
        agenda.rest_at(x, y)
        wanted = questions.wanted(step)
        probe.wait(lambda s=step, w=wanted: len(questions.encoded(s, w)) == len(w), "a look")


def spread_out(spots: list[tuple[float, float]], clicks: int) -> Iterator[tuple[float, float]]:
    """Places around the spots, no two the same."""
    for number in range(clicks):
        x, y = spots[number % len(spots)]
        turn = number // len(spots)
        yield x + 0.5 * (turn % 3), y + 0.5 * (turn // 3)


def one_click(probe: Probe, alone: Alone, x: float, y: float) -> dict[str, float]:
    """Each thing once at one place, the mouse away in between, in ms; ``decodes``: the click's."""
    row: dict[str, float] = {}
    thread = probe.session.jobs.decoder
    away(probe)
    row["decoder"] = alone.time(x, y)
    probe.rest(_PAUSE_S)
    row["hover"] = probe.until_painted(lambda: probe.move(x, y), probe.hover)
    probe.rest(_PAUSE_S)
    row["click at rest"] = probe.until_painted(lambda: probe.click(x, y), probe.proposal)
    away(probe)
    begun, decodes = time.perf_counter(), thread.decodes
    row["click"] = probe.until_painted(lambda: probe.move_and_click(x + _ASIDE, y + _ASIDE), probe.proposal)
    probe.wait(lambda: probe.session.prompting.complete, "all candidates")
    row["ranked"] = 1000 * (time.perf_counter() - begun)
    row["decodes"] = thread.decodes - decodes
    return row


def away(probe: Probe) -> None:
    """Without prompts, and the mouse outside; until the decoder has nothing to do any more."""
    probe.canvas.pointer.leave()
    probe.session.prompting.clear()
    probe.rest(_PAUSE_S)


def main() -> None:
    """Measure idle on a movie of one frame, and then while a long movie is being encoded."""
    data, clicks = Path(sys.argv[1]), int(sys.argv[2])
    spots, folder = places(data), paths.documents_dir()
    folder.mkdir(parents=True, exist_ok=True)
    short, long = write_movies(data, folder)
    probe = Probe()
    report = {}
    for phase, movie in (("idle", short), ("encoding", long)):
        probe.open(movie)
        report[phase] = measure(probe, spots, clicks)
    probe.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
