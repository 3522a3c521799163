"""``cellsam-train`` as benchmarks call it; what it says goes to standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data_sets import spread
from benchmarks.training_sets import TrainingSet
from cellsam_desktop import paths

MODEL = "vit_t"
_MOST_OF_AN_IMAGE = 100


def fit(
    part: TrainingSet, data: Path, run: Path, minutes: float | None, preset: str = "curator", seed: int = 0
) -> float:
    """Train on the processor for so many minutes, or for the preset's own epochs.

    The test images judge whether the decoder is to be adopted, and have no part in what it becomes.

    Returns the seconds that it took, starting and encoding included: embeddings of earlier runs are not used.
    """
    length = () if minutes is None else ("--minutes", str(minutes))
    words = ("--preset", preset, "--seed", str(seed), "--held-out", part.test_data(data), *length)
    with tempfile.TemporaryDirectory() as folder:
        home = _home_without_embeddings(Path(folder))
        started = time.monotonic()
        out = ("--device", "cpu", "--out", str(run.absolute()))
        _train("fit", part.train_data(data), *words, *out, env={"CELLSAM_HOME": str(home)})
        return time.monotonic() - started


def evaluate(data: str, decoder: Path | None) -> dict[str, float]:
    """Mean IoU of one point (``point``) and of a box (``box``); ``decoder`` None is the model's own.

    Of an image with more than a hundred cells, a hundred count, evenly spread.
    """
    own = () if decoder is None else ("--decoder", str(decoder))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "scores.json"
        _train("evaluate", data, *own, "--clicks", "1", "--json", str(out))
        cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    return {kind: mean_iou([cell for cell in cells if cell["prompt"] == kind]) for kind in ("point", "box")}


def mean_iou(cells: Sequence[Mapping[str, Any]]) -> float:
    """The mean over cells as ``evaluate`` writes them, an image's share limited."""
    images: dict[tuple[str, int, int], list[float]] = {}
    for cell in cells:
        images.setdefault((cell["movie"], cell["t"], cell["z"]), []).append(cell["iou"][0])
    return float(np.mean([own[n] for own in images.values() for n in spread(len(own), _MOST_OF_AN_IMAGE)]))


def _train(command: str, data: str, *options: str, env: Mapping[str, str] | None = None) -> None:
    words = [sys.executable, "-m", "training", command, data, "--base", MODEL, *options]
    subprocess.run(words, stdout=sys.stderr, check=True, env={**os.environ, **(env or {})})


def _home_without_embeddings(folder: Path) -> Path:
    """A place for the program's files that has the models and exported decoders of this computer."""
    for own, here in (("data/models", paths.models_dir()), ("cache/decoders", paths.decoders_dir())):
        link = folder / own
        link.parent.mkdir(parents=True)
        link.symlink_to(here.absolute(), target_is_directory=True)
    return folder
