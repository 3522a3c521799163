"""One click per cell: is the mask that is shown first the right one? The reference mode beside ours.

    python -m benchmarks.first_click [--data DIR] [--limit IMAGES] [--cells CELLS] [--seeds N]
        [--sets NAME ...] [--careless] [--threads N] [--cache DIR]

Mean IoU with the truth of the first mask offered for one click, through the code behind ``segment``:

- reference: the whole image encoded once, the best predicted IoU of tokens 1 to 3 (segment-anything's way);
- cold: ours, nothing accepted yet;
- warm: ours, three other cells of the same image or movie accepted, averaged over seeds.

The click is the cell's most interior point, or with ``--careless`` a random one that is not close to the
outline. Looks are the regions encoded to answer a click; neighbouring clicks share them. Embeddings are kept
in ``--cache``, so that a second run takes a fraction of the time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data_sets
from benchmarks.clicks import Target, careless_point, interior_point, targets
from cellsam_desktop import paths
from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.curation.headless_model import AS_IN_THE_WINDOW, REFERENCE, HeadlessModel, Way
from cellsam_desktop.jobs.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.crops import looks_for
from cellsam_desktop.sam.registry import ModelRegistry

_MODEL = "vit_t"
_CACHE_BYTES = 10 * 10**9


@dataclass
class Tally:
    """IoU of each click, and the looks asked for in all."""

    ious: list[float] = field(default_factory=list)
    looks: int = 0
    encoded: set[tuple[str, Region]] = field(default_factory=set)

    def figures(self) -> dict[str, float]:
        """Mean IoU, looks per click, and different looks (encodes) per click."""
        clicks = max(1, len(self.ious))
        mean = float(np.mean(self.ious)) if self.ious else 0.0
        return {"iou": mean, "looks": self.looks / clicks, "encodes": len(self.encoded) / clicks}


class Contest:
    """The three ways on one data set."""

    def __init__(self, model: HeadlessModel, seeds: int, careless: bool) -> None:
        self._model = model
        self._seeds = seeds
        self._careless = careless
        self.tallies = {name: Tally() for name in ("reference", "cold", "warm")}

    def click(self, target: Target) -> None:
        """Answer one click in every way."""
        prompts = interior_point(target.truth)
        if self._careless:
            prompts = careless_point(target.truth, target.random(0))
        self._answer("reference", target, prompts, NOTHING, REFERENCE)
        self._answer("cold", target, prompts, NOTHING, AS_IN_THE_WINDOW)
        if target.others:
            for seed in range(self._seeds):
                self._answer("warm", target, prompts, target.knowledge(seed), AS_IN_THE_WINDOW)

    def _answer(self, name: str, target: Target, prompts: Prompts, knowledge: Knowledge, way: Way) -> None:
        found = self._model.find(target.sample.image, prompts, knowledge, way)
        tally = self.tallies[name]
        tally.ious.append(0.0 if found.mask is None else found.mask.iou(target.truth))
        plane = Region.whole(*target.sample.image.shape[:2])
        looks = (plane,) if way.crop == "none" else looks_for(plane, prompts, knowledge.diameter)
        tally.looks += len(looks)
        tally.encoded |= {(target.sample.name, look) for look in looks}


def measure(model: HeadlessModel, clicked: Iterable[Target], seeds: int, careless: bool) -> dict[str, Any]:
    """Figures of one data set."""
    contest, cells, started = Contest(model, seeds, careless), 0, time.perf_counter()
    for target in clicked:
        contest.click(target)
        cells += 1
    print(f"  {cells} cells, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return {"cells": cells, **{name: tally.figures() for name, tally in contest.tallies.items()}}


def summary(results: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The mean over the data sets, each counted once, and the worst set beside the reference."""
    mean = {
        name: float(np.mean([result[name]["iou"] for result in results.values()]))
        for name in ("reference", "cold", "warm")
    }
    gains = {
        name: [result[name]["iou"] - result["reference"]["iou"] for result in results.values()]
        for name in ("cold", "warm")
    }
    return {
        **mean,
        "cold_gain": float(np.mean(gains["cold"])),
        "warm_gain": float(np.mean(gains["warm"])),
        "cold_worst": min(gains["cold"]),
        "warm_worst": min(gains["warm"]),
    }


def table(results: dict[str, dict[str, Any]], mean: dict[str, float]) -> str:
    """The results as Markdown."""
    lines = [
        "| data set | cells | reference | cold | gain | looks | warm | gain | looks | encodes |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for data_set, result in results.items():
        reference = result["reference"]["iou"]
        row = [data_set, str(result["cells"]), f"{reference:.3f}"]
        for name in ("cold", "warm"):
            figures = result[name]
            row += [
                f"{figures['iou']:.3f}",
                f"{figures['iou'] - reference:+.3f}",
                f"{figures['looks']:.1f}",
            ]
        lines.append(f"| {' | '.join([*row, format(result['warm']['encodes'], '.2f')])} |")
    lines.append(
        f"| mean | | {mean['reference']:.3f} | {mean['cold']:.3f} | {mean['cold_gain']:+.3f} | "
        f"| {mean['warm']:.3f} | {mean['warm_gain']:+.3f} | | |"
    )
    return "\n".join(lines)


def open_model(checkpoint: Path, cache: Path, threads: int | None) -> HeadlessModel:
    """The default model, with embeddings kept in ``cache``."""
    return HeadlessModel(checkpoint, _MODEL, "auto", EmbeddingCache(cache, _CACHE_BYTES), threads)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_click")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--limit", type=int, default=8, help="at most so many images per set (default 8)")
    parser.add_argument("--cells", type=int, default=6, help="at most so many cells per image (default 6)")
    parser.add_argument("--seeds", type=int, default=3, help="choices of accepted cells (default 3)")
    parser.add_argument("--sets", nargs="+", choices=data_sets.NAMES, default=data_sets.NAMES)
    parser.add_argument("--careless", action="store_true", help="click anywhere but close to the outline")
    parser.add_argument("--threads", type=int, help="processor threads")
    parser.add_argument("--cache", type=Path, default=paths.cache_dir() / "benchmarks", help="embeddings")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path(_MODEL)
    if checkpoint is None or not arguments.data.is_dir():
        print(f"Needs the model {_MODEL} and the images in {arguments.data}.", file=sys.stderr)
        return 2
    model = open_model(checkpoint, arguments.cache, arguments.threads)
    results = {}
    for name in arguments.sets:
        print(name, file=sys.stderr, flush=True)
        clicked = targets(arguments.data, name, arguments.limit, arguments.cells)
        results[name] = measure(model, clicked, arguments.seeds, arguments.careless)
    mean = summary(results)
    print(table(results, mean))
    facts = {
        "benchmark": "first_click",
        "model": _MODEL,
        "clicks": "careless" if arguments.careless else "middle",
    }
    print(json.dumps({**facts, "ratio": {}, "mean": mean, "sets": results}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
