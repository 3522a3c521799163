"""The time to the same held-out IoU, beside micro-sam's ``train_sam`` with the image encoder frozen.

    python -m benchmarks.training_peer [--data DIR] [--set NAME] [--peer-minutes M] [--objects N]
        [--sub-iterations N] [--quick]

micro-sam (``python -m benchmarks.peers`` installs it) trains its vit_t on the images that ``training_sets``
names, with its own defaults for the rest; its decoder is kept once a minute. Ours trains in runs of 15, 30,
60 ... seconds, each from the start. Both are judged on the same test images by ``cellsam-train evaluate``
(mean IoU of one point and of a box), off the clock. What counts is the best mean that the peer reached, the
time when it first did, and the length of the shortest of our runs that reached it too: ours includes
starting, reading, encoding, judging and exporting, the peer's begins with its call.

``--objects`` and ``--sub-iterations`` are those of its configuration for small machines ("Minimal").
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from benchmarks import data_sets, peers
from benchmarks.training_commands import MODEL, evaluate, fit
from benchmarks.training_sets import TRAINING_SETS, TrainingSet
from cellsam_desktop.sam.registry import ModelRegistry
from training.base import Base
from training.data import load
from training.export import write_decoder
from training.frames import Frame

_PATCH = 512
_FIRST_SECONDS = 15
_VALIDATION = 4
"""Of the training images the last of every so many are the peer's validation set."""

Figures = dict[str, float]


class Contest:
    """Both programs on one data set."""

    def __init__(self, data: Path, part: TrainingSet, checkpoint: Path, folder: Path) -> None:
        self._data, self._part, self._checkpoint, self._folder = data, part, checkpoint, folder

    def judge(self, decoder: Path | None) -> Figures:
        """Mean IoU of one point and of a box on the test images, and their mean."""
        scores = evaluate(self._part.test_data(self._data), decoder)
        return {**scores, "mean": sum(scores.values()) / 2}

    def peer(self, seconds: float, objects: int, sub_iterations: int) -> dict[str, Any]:
        """Train with micro-sam; what it kept, judged."""
        frames = load([Path(self._part.train_data(self._data))])
        held_out = frames[_VALIDATION - 1 :: _VALIDATION]
        learned = [frame for frame in frames if frame not in held_out]
        with peers.Peer(
            "peer_micro_sam_train.py", str(self._checkpoint), threads=os.cpu_count() or 1
        ) as peer:
            answer = peer.ask(
                train=[self._arrays(frame) for frame in learned],
                validate=[self._arrays(frame) for frame in held_out],
                folder=str(self._folder),
                seconds=seconds,
                keep_every=60,
                objects=objects,
                sub_iterations=sub_iterations,
                patch=_PATCH,
            )
        judged = [{"seconds": at, **self.judge(self._as_ours(Path(file)))} for at, file in answer["kept"]]
        return {"steps": answer["steps"], "step_seconds": answer["step_seconds"], "kept": judged}

    def ours(self, aim: float, longest: float) -> list[Figures]:
        """Longer and longer runs until one reaches ``aim``."""
        runs: list[Figures] = []
        seconds = float(_FIRST_SECONDS)
        while seconds <= longest and not (runs and runs[-1]["mean"] >= aim):
            run = self._folder / f"run-{seconds:g}"
            taken = fit(self._part, self._data, run, seconds / 60)
            runs.append({"seconds": taken, **self.judge(run)})
            seconds *= 2
        return runs

    def _arrays(self, frame: Frame) -> list[str]:
        """An image and its labels, in files that the peer reads."""
        image = frame.image()
        grey = image[..., 0] if (image == image[..., :1]).all() else image
        labels = np.zeros(frame.shape, np.int64)
        for number, cell in enumerate(frame.cells, start=1):
            labels[cell.mask.region.slices][cell.mask.bits] = number
        name = frame.name.replace(os.sep, "_")
        files = [self._folder / f"{name}-{kind}.npy" for kind in ("image", "labels")]
        for file, array in zip(files, (grey, labels), strict=True):
            np.save(file, array)
        return [str(file) for file in files]

    def _as_ours(self, file: Path) -> Path:
        """A folder with the decoder of the peer, exported as our own are."""
        state = {f"mask_decoder.{name}": tensor for name, tensor in load_file(file).items()}
        return write_decoder(Base.find(MODEL), state, file.with_suffix(""), {}).folder


def figures(
    part: TrainingSet, before: Figures, peer: dict[str, Any], runs: Sequence[Figures]
) -> dict[str, Any]:
    """What is printed; the ratio is that of the times, None when ours did not reach what the peer reached."""
    best = max(peer["kept"], key=lambda kept: kept["mean"])
    reached = next((run for run in runs if run["mean"] >= best["mean"]), None)
    return {
        "benchmark": "training_peer",
        "set": part.name,
        "before": before,
        "peer": peer,
        "peer_best": best,
        "ours": list(runs),
        "ratio": None if reached is None else best["seconds"] / reached["seconds"],
    }


def table(facts: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["| program | seconds | point | box | mean |", "|---|--:|--:|--:|--:|"]
    rows = [("before", {"seconds": 0.0, **facts["before"]})]
    rows += [("micro-sam", kept) for kept in facts["peer"]["kept"]]
    rows += [("ours", run) for run in facts["ours"]]
    for name, row in rows:
        scores = " | ".join(f"{row[kind]:.4f}" for kind in ("point", "box", "mean"))
        lines.append(f"| {name} | {row['seconds']:.0f} | {scores} |")
    ratio = facts["ratio"]
    shorter = "not reached" if ratio is None else f"{ratio:.1f} x shorter"
    peer = facts["peer"]
    return "\n".join(
        [
            *lines,
            "",
            f"{facts['set']}. To the best mean that micro-sam reached: {shorter}. "
            f"A step of micro-sam takes {peer['step_seconds']:.1f} s ({peer['steps']} steps).",
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line; 1 when the aim (10 x) is missed, 2 without the peer."""
    names = [part.name for part in TRAINING_SETS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_peer")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--set", choices=names, default="mito_em_vnc")
    parser.add_argument("--peer-minutes", type=float, default=20, help="how long micro-sam trains")
    parser.add_argument("--objects", type=int, default=4)
    parser.add_argument("--sub-iterations", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="two minutes for micro-sam")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path(MODEL)
    if checkpoint is None or not arguments.data.is_dir() or not peers.present():
        print(f"Needs the model {MODEL}, the images in {arguments.data} and the peers.", file=sys.stderr)
        return 2
    seconds = 120.0 if arguments.quick else arguments.peer_minutes * 60
    part = next(part for part in TRAINING_SETS if part.name == arguments.set)
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(arguments.data, part, checkpoint, Path(folder))
        before = contest.judge(None)
        peer = contest.peer(seconds, arguments.objects, arguments.sub_iterations)
        aim = max(kept["mean"] for kept in peer["kept"])
        facts = figures(part, before, peer, contest.ours(aim, seconds))
    print(table(facts))
    print(json.dumps(facts))
    return int(facts["ratio"] is None or facts["ratio"] < 10)


if __name__ == "__main__":
    sys.exit(main())
