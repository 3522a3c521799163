"""The published recipe for mitochondria, run as published, beside the default preset.

    python -m benchmarks.training_recipe [--data DIR] [--seed N] [--minutes M] [--quick]

The recipe (preset ``epfl-mitochondria``): patches of 256 pixels side by side, one box per patch, Dice and
cross-entropy, Adam at 1e-5 without weight decay, two patches a step, five epochs. Both presets learn from the
training images of mito_em_vnc that ``training_sets`` names with ``cellsam-train fit``; ``curator`` as long as
is said there. Then both are asked for the same cells, on patches of the test images: the patch encoded once,
the candidate of the best predicted IoU, a box around each cell or one point in its middle.

The published figures (SAM, boxes, mitochondria of EPFL's volume) are of other data: what can be compared is
how much is gained. The seconds include starting, encoding, judging and exporting.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import data_sets
from benchmarks.training_commands import MODEL, fit
from benchmarks.training_sets import TRAINING_SETS
from cellsam_desktop import paths
from cellsam_desktop.core.decoder_scores import Scores
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.export import ensure_decoder
from cellsam_desktop.sam.registry import ModelRegistry
from training.base import Base
from training.config import PRESETS
from training.data import load
from training.embed import Embeddings
from training.evaluate import judge
from training.views import views_of

RECIPE = "epfl-mitochondria"
PUBLISHED = {"dice": (0.55, 0.85), "iou": (0.47, 0.764)}
"""Before and after the recipe's five epochs, on other data."""

_PART = next(part for part in TRAINING_SETS if part.name == "mito_em_vnc")
_KINDS = {"box": "a box", "point": "a point"}


class Judge:
    """Asks decoders for the cells on patches of the test images."""

    def __init__(self, data: Path, folder: Path) -> None:
        self._base = Base.find(MODEL)
        config = PRESETS[RECIPE]
        frames = load([Path(_PART.test_data(data))])
        self._views = views_of(frames, config.look, config.patch, overlap=config.overlap)
        cache = EmbeddingCache(folder, 10**9)
        self._embeddings = Embeddings(self._base.checkpoint, self._base.architecture, "cpu", cache)

    def scores(self, run: Path | None) -> Scores:
        """The scores of a run's decoder, of the model's own without one."""
        if run is None:
            files = ensure_decoder(self._base.checkpoint, self._base.architecture, paths.decoders_dir())
        else:
            files = DecoderFiles(run)
        return judge(OnnxDecoder(files.onnx), self._views, self._embeddings, clicks=1).scores


def measure(data: Path, seed: int, lengths: Mapping[str, float | None]) -> dict[str, Any]:
    """Train by each preset for so many minutes, and judge before and after."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        asked = Judge(data, folder / "embeddings")
        before, runs = asked.scores(None), {}
        for preset, minutes in lengths.items():
            run = folder / preset
            seconds = fit(_PART, data, run, minutes, preset, seed)
            runs[preset] = {"seconds": seconds, **_plain(asked.scores(run))}
    return {
        "benchmark": "training_recipe",
        "model": MODEL,
        "set": _PART.name,
        "seed": seed,
        "cells": before.cells,
        "published": PUBLISHED,
        "before": _plain(before),
        "runs": runs,
    }


def table(facts: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| recipe | asked by | minutes | Dice | IoU |",
        "|---|---|--:|--:|--:|",
        f"| published, other data | a box | | {_change(*PUBLISHED['dice'])} | {_change(*PUBLISHED['iou'])} |",
    ]
    for preset, after in facts["runs"].items():
        for kind, words in _KINDS.items():
            shown = [_change(facts["before"][kind][m], after[kind][m]) for m in ("dice", "iou")]
            lines.append(f"| {preset} | {words} | {after['seconds'] / 60:.1f} | {' | '.join(shown)} |")
    note = (
        f"{facts['set']}, seed {facts['seed']}, {facts['cells']} cells on patches of images that were held "
        "back. The published figures are of SAM on EPFL's mitochondria: other data and another model, so "
        "that heights cannot be compared."
    )
    return "\n".join([*lines, "", note])


def _plain(scores: Scores) -> dict[str, dict[str, float]]:
    return {kind: {"dice": own.dice[0], "iou": own.iou[0]} for kind, own in scores.kinds.items()}


def _change(before: float, after: float) -> str:
    return f"{before:.3f} -> {after:.3f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Train, judge, print the table and the JSON line; 2 without model or data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_recipe")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=_PART.minutes, help="of the default preset")
    parser.add_argument("--quick", action="store_true", help="one minute each")
    arguments = parser.parse_args(argv)
    if ModelRegistry().path(MODEL) is None or not arguments.data.is_dir():
        print(f"Needs the model {MODEL} and the images in {arguments.data}.", file=sys.stderr)
        return 2
    lengths: dict[str, float | None] = {RECIPE: None, "curator": arguments.minutes}
    if arguments.quick:
        lengths = dict.fromkeys(lengths, 1.0)
    facts = measure(arguments.data, arguments.seed, lengths)
    print(table(facts))
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
