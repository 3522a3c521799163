"""From the start of the process to a painted window and to the first mask: installed, from sources, napari.

    python -m benchmarks.bundle_start [--bundle FOLDER] [--rounds N] [--quick]

Everything is seen from outside, on a virtual screen of its own: *painted* is when a quarter of the screen
shows a window with content; *first mask* is when the mouse, held over the middle of the sample movie, has a
coloured mask under it. So no side is helped by a hook, and all pay for looking.

*installed* is the built program with an empty home, as at its very first start: it copies the sample and
looks at the first frame. *sources* is ``python -m cellsam_desktop`` with the sample and the decoder already
made, and no frame looked at. *napari* (``python -m benchmarks.peers``) is its empty window. All have been
started once before, which fills the disk cache and writes the bytecode. Times are medians over the rounds,
ratios medians of the rounds' ratios. Linux only; Xvfb and xdotool have to be there.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.peers import python as peer_python
from cellsam_desktop import paths
from cellsam_desktop.images.sample import write_sample
from cellsam_desktop.sam.export import ensure_decoder
from tests.bundle.screen import Screen, is_coloured, pixels, virtual_screen

ROOT = Path(__file__).resolve().parents[1]
_PAINTED_SHARE = 0.25
_COLOURS = 8
_AROUND = 12
_PLACES = ((0, 0), (-60, -30), (60, 30), (-60, 40), (60, -40), (0, 70), (0, -70))
"""Where the mouse looks for a cell, from the middle of the canvas, in pixels of the screen."""
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Side:
    """One program: what starts it in the empty home ``home``; ``masks``: whether it is waited for a mask."""

    name: str
    command: list[str]
    prepare: Callable[[Path], None]
    masks: bool


class Watched:
    """A virtual screen whose pixels can be read as they change, without copying."""

    def __init__(self, screen: Screen) -> None:
        with screen.file.open("rb") as file:
            self._pixels = pixels(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def is_painted(self) -> bool:
        """Whether a window with content covers a quarter of the screen; parts of it may be black."""
        some = np.ascontiguousarray(self._pixels[::8, ::8, :3])
        shown = some.any(axis=2)
        covered = shown.any(axis=0).sum() * shown.any(axis=1).sum() >= _PAINTED_SHARE * shown.size
        return bool(covered) and len(np.unique(some[shown], axis=0)) >= _COLOURS

    def is_tinted(self, x: int, y: int) -> bool:
        """Whether colour lies around a place."""
        return is_coloured(self._pixels, x, y, _AROUND)


def start(side: Side, home: Path) -> dict[str, float]:
    """Start one side once: milliseconds until it was painted and, maybe, until the first mask."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        screen = stack.enter_context(virtual_screen(Path(folder)))
        watched = Watched(screen)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        environment |= {"DISPLAY": screen.display, "QT_QPA_PLATFORM": "xcb", "HOME": str(home)}
        environment["CELLSAM_HOME"] = str(home / "cellsam")
        began = time.monotonic()
        with _running(side.command, environment, home):
            found = {"painted_ms": 1000 * (_when(watched.is_painted, side.name, 0.004) - began)}
            if side.masks:
                places = _places()

                def look() -> bool:
                    x, y = next(places)
                    screen.move(x, y)
                    time.sleep(0.03)
                    return watched.is_tinted(x, y)

                found["mask_ms"] = 1000 * (_when(look, side.name, 0.0) - began)
    return found


def _places() -> Iterator[tuple[int, int]]:
    """Around the middle of the canvas, again and again: it lies a little above and left of the window's."""
    while True:
        for dx, dy in _PLACES:
            yield 560 + dx, 400 + dy


def _when(look: Callable[[], bool], name: str, pause: float) -> float:
    end = time.monotonic() + _PATIENCE_S
    while not look():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {_PATIENCE_S:.0f} s for {name}")
        time.sleep(pause)
    return time.monotonic()


@contextmanager
def _running(command: list[str], environment: dict[str, str], home: Path) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def sides(bundle: Path, folder: Path) -> list[Side]:
    """Those that can be started here."""
    made = folder / "made"
    checkpoint = paths.models_dir() / "mobile_sam.pt"
    write_sample(made / "data" / "sample")
    ensure_decoder(checkpoint, "vit_t", made / "cache" / "decoders")
    (made / "data" / "models").mkdir()
    (made / "data" / "models" / checkpoint.name).symlink_to(checkpoint)

    def nothing(_: Path) -> None:
        """An empty home."""

    def ready(home: Path) -> None:
        shutil.copytree(made, home / "cellsam", symlinks=True)

    found = [
        Side("installed", [str(bundle / "cellsam-desktop"), "demo"], nothing, masks=True),
        Side("sources", [str(ROOT / ".venv/bin/python"), "-m", "cellsam_desktop", "demo"], ready, masks=True),
    ]
    napari = Path(peer_python()).with_name("napari")
    if napari.is_file():
        found.append(Side("napari", [str(peer_python()), str(napari)], nothing, masks=False))
    return found


def measure(bundle: Path, rounds: int, folder: Path) -> dict[str, Any]:
    """All figures; each start has a home of its own, but napari keeps what it learned of its plugins."""
    programs, reports = sides(bundle, folder), []
    for number in range(rounds + 1):
        report = {}
        for side in programs:
            home = folder / (f"{side.name}-{number}" if side.masks else side.name)
            home.mkdir(exist_ok=True)
            side.prepare(home)
            report[side.name] = start(side, home)
        reports.append(report)
    facts: dict[str, Any] = {"benchmark": "bundle_start", "rounds": rounds, "cores": os.cpu_count()}
    for side in programs:
        names = reports[1][side.name]
        facts[side.name] = {name: round(median(r[side.name][name] for r in reports[1:])) for name in names}
        facts[f"installed/{side.name}"] = {
            name: round(median(r["installed"][name] / r[side.name][name] for r in reports[1:]), 3)
            for name in names
        }
    return facts


def table(facts: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["| | painted | first mask | installed / this: painted | first mask |", "|---|--:|--:|--:|--:|"]
    for name in ("installed", "sources", "napari"):
        if name in facts:
            times, ratios = facts[name], facts[f"installed/{name}"]
            mask = f"{times['mask_ms']} ms" if "mask_ms" in times else ""
            ratio = f"{ratios['mask_ms']:.2f}" if "mask_ms" in ratios else ""
            lines.append(
                f"| {name} | {times['painted_ms']} ms | {mask} | {ratios['painted_ms']:.2f} | {ratio} |"
            )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bundle_start")
    parser.add_argument("--bundle", type=Path, default=ROOT / "dist" / "lean" / "cellsam-desktop")
    parser.add_argument("--rounds", type=int, default=7, help="how often each side is started")
    parser.add_argument("--quick", action="store_true", help="two rounds only")
    arguments = parser.parse_args(argv)
    if not (arguments.bundle / "cellsam-desktop").is_file():
        print(f"There is no built program in {arguments.bundle}: run `make bundle` first.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        facts = measure(arguments.bundle, 2 if arguments.quick else arguments.rounds, Path(folder))
    print(table(facts))
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
