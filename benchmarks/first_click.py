"""One click per cell: is the mask that is shown first the right one? The reference mode beside ours.

    python -m benchmarks.first_click [--data DIR] [--limit IMAGES] [--cells CELLS] [--seeds N]
        [--sets NAME ...] [--careless] [--threads N] [--cache DIR]

Mean IoU with the truth of the first mask offered for one click, through the code behind ``segment``:

- reference: the whole image encoded once, the best predicted IoU of tokens 1 to 3 (segment-anything's way);
- cold: ours, nothing accepted yet;
- warm: ours, three other cells of the same image or movie accepted, averaged over seeds.

Beside them one box around the cell: the whole image, and ours, which looks at the box's own scale.

The click is the cell's most interior point, or with ``--careless`` a random one that is not close to the
outline. In brackets stand the looks (regions encoded) that an answer needs; neighbouring clicks share them.
Embeddings are kept in ``--cache``, so that a second run takes a fraction of the time.
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
from benchmarks.clicks import Target, careless_point, interior_point, targets, tight_box
from cellsam_desktop import paths
from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.curation.headless_model import AS_IN_THE_WINDOW, REFERENCE, HeadlessModel, Way
from cellsam_desktop.sam.crops import looks_for
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.registry import ModelRegistry

_MODEL = "vit_t"
_CACHE_BYTES = 10 * 10**9

WAYS = ("reference", "cold", "warm", "box_reference", "box")
OURS = ("cold", "warm", "box")


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
    """Every way on one data set."""

    def __init__(self, model: HeadlessModel, seeds: int, careless: bool) -> None:
        self._model = model
        self._seeds = seeds
        self._careless = careless
        self.tallies = {name: Tally() for name in WAYS}

    def answer(self, target: Target) -> None:
        """Click on one cell, and draw a box around it, in every way."""
        prompts = interior_point(target.truth)
        if self._careless:
            prompts = careless_point(target.truth, target.random(0))
        self._ask("reference", target, prompts, NOTHING, REFERENCE)
        self._ask("cold", target, prompts, NOTHING, AS_IN_THE_WINDOW)
        for seed in range(self._seeds):
            self._ask("warm", target, prompts, target.knowledge(seed), AS_IN_THE_WINDOW)
        box = tight_box(target.truth)
        self._ask("box_reference", target, box, NOTHING, REFERENCE)
        self._ask("box", target, box, NOTHING, AS_IN_THE_WINDOW)

    def _ask(self, name: str, target: Target, prompts: Prompts, knowledge: Knowledge, way: Way) -> None:
        found = self._model.find(target.sample.image, prompts, knowledge, way)
        tally = self.tallies[name]
        tally.ious.append(0.0 if found.mask is None else found.mask.iou(target.truth))
        plane = Region.whole(*target.sample.image.shape[:2])
        looks = (plane,) if way.crop == "none" else looks_for(plane, prompts, knowledge.diameter)
        tally.looks += len(looks)
        tally.encoded |= {(target.sample.name, look) for look in looks}


def measure(model: HeadlessModel, asked: Iterable[Target], seeds: int, careless: bool) -> dict[str, Any]:
    """Figures of one data set."""
    contest, cells, started = Contest(model, seeds, careless), 0, time.perf_counter()
    for target in asked:
        contest.answer(target)
        cells += 1
    print(f"  {cells} cells, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return {"cells": cells, **{name: tally.figures() for name, tally in contest.tallies.items()}}


def summary(results: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """For every way: the mean over the data sets, each counted once, and its gain over the reference.

    ``worst`` is the gain on the set where it is smallest.
    """
    mean = {}
    for name in WAYS:
        own = [result[name]["iou"] for result in results.values()]
        against = "box_reference" if name.startswith("box") else "reference"
        gains = [result[name]["iou"] - result[against]["iou"] for result in results.values()]
        mean[name] = {"iou": float(np.mean(own)), "gain": float(np.mean(gains)), "worst": min(gains)}
    return mean


def table(results: dict[str, dict[str, Any]], mean: dict[str, dict[str, float]]) -> str:
    """The results as Markdown: IoU, and for ours looks per click in brackets."""
    lines = [
        "| data set | cells | reference | cold | gain | warm | gain | box reference | box | gain |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for data_set, result in results.items():
        row = [data_set, str(result["cells"])]
        for name in WAYS:
            row.append(f"{result[name]['iou']:.3f}")
            if name in OURS:
                against = "box_reference" if name == "box" else "reference"
                row[-1] += f" ({result[name]['looks']:.1f})"
                row.append(f"{result[name]['iou'] - result[against]['iou']:+.3f}")
        lines.append(f"| {' | '.join(row)} |")
    row = ["mean", ""]
    for name in WAYS:
        row += [f"{mean[name]['iou']:.3f}", *([f"{mean[name]['gain']:+.3f}"] if name in OURS else [])]
    return "\n".join([*lines, f"| {' | '.join(row)} |"])


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
    clicks = "careless" if arguments.careless else "middle"
    ratio = {name: mean[name]["iou"] / mean["reference"]["iou"] for name in ("cold", "warm")}
    facts = {"benchmark": "first_click", "model": _MODEL, "clicks": clicks}
    print(json.dumps({**facts, "ratio": ratio, "mean": mean, "sets": results}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
