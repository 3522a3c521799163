"""``cellsam-train`` as benchmarks call it; what it says goes to standard error."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = "vit_t"


def fit(data: str, run: Path, minutes: float, preset: str = "curator", seed: int = 0) -> float:
    """Train for so many minutes on the processor; the seconds that it took, starting included."""
    started = time.monotonic()
    length = ("--minutes", str(minutes), "--seed", str(seed))
    _train("fit", data, "--preset", preset, *length, "--device", "cpu", "--out", str(run))
    return time.monotonic() - started


def evaluate(data: str, decoder: Path | None) -> dict[str, float]:
    """Mean IoU of one point (``point``) and of a box (``box``); ``decoder`` None is the model's own."""
    own = () if decoder is None else ("--decoder", str(decoder))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "scores.json"
        _train("evaluate", data, *own, "--clicks", "1", "--json", str(out))
        (found,) = json.loads(out.read_text(encoding="utf-8"))["data_sets"].values()
    return {kind: float(found[kind]["iou"][0]) for kind in ("point", "box")}


def _train(command: str, data: str, *options: str) -> None:
    words = [sys.executable, "-m", "training", command, data, "--base", MODEL, *options]
    subprocess.run(words, stdout=sys.stderr, check=True)
