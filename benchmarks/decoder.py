"""The decoder, a click's mask: ours beside segment-anything's and micro-sam's, with the same weights.

    python -m benchmarks.decoder [--data DIR] [--threads N] [--quick]

500 questions (points, boxes, both, refinements with a hint) on real images of seven data sets, encoded once.
A click is measured from the prompts to a mask of the image's size. The programs take turns, question by
question, after a pause; the export's threads are told to stop spinning when its run ends, or they would take
a core from the other for a second. Ratios are medians of the questions'. All decode on the CPU, also where
there is a graphics card: the ratio is that of the programs and not of the devices.

- *one mask*: the official ONNX export (``SamOnnxModel``, ``return_single_mask=True``), which scales one mask
  to the image. Ours: the decode, and the first candidate's mask.
- *all masks*: the official export's default, four masks. Ours: the decode, and three candidates' masks.
- *batch*: 64 points on one image, segment-anything's prompt encoder and mask decoder in PyTorch, no scaling.
  Ours: ``decode_many``. Times are per prompt.
- *micro-sam*: ``segment_from_points`` of micro-sam (``python -m benchmarks.peers`` installs it), points only.

The mask IoU compares all four masks of each question with the official export's, in the image's pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
import torch

from benchmarks import data_sets, peers
from benchmarks.decoder_questions import KINDS, Look, Question, looks, questions
from benchmarks.official_decoder import OfficialExport, torch_batch
from benchmarks.prompts import interior_point
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.architectures import build
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.encoder import open_encoder
from cellsam_desktop.sam.export import ensure_decoder
from cellsam_desktop.sam.postprocess import logits_to_mask
from cellsam_desktop.sam.providers import CPU
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.sam.weights import load_checkpoint

_MODEL = "vit_t"
_BATCH = 64
_PAUSE_S = 0.01
_GOALS = {"one mask": 2.5, "batch": 4.0}
_IOU_GOAL = 0.999


class Times:
    """Milliseconds of both sides by the name of the comparison."""

    def __init__(self) -> None:
        self._pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._ours_first = False

    def add(self, names: Sequence[str], ours: Callable[[], Any], theirs: Callable[[], Any]) -> None:
        """Run both, in turns the one and the other first; a program elsewhere tells its own time."""
        self._ours_first = not self._ours_first
        sides = [ours, theirs] if self._ours_first else [theirs, ours]
        spent = [_milliseconds(side) for side in sides]
        for name in names:
            self._pairs[name].append((spent[0], spent[1]) if self._ours_first else (spent[1], spent[0]))

    def figures(self, prompts: dict[str, int]) -> dict[str, dict[str, float]]:
        """Medians; times are divided by the number of ``prompts`` that one run answers (1 if not named)."""
        return {
            name: {
                "runs": len(pairs),
                "ours_ms": median(ours for ours, _ in pairs) / prompts.get(name, 1),
                "theirs_ms": median(theirs for _, theirs in pairs) / prompts.get(name, 1),
                "ratio": median(theirs / ours for ours, theirs in pairs),
            }
            for name, pairs in self._pairs.items()
        }


class Comparison:
    """Our decoder beside the others."""

    def __init__(self, checkpoint: Path, threads: int, folder: Path, micro_sam: peers.Peer | None) -> None:
        self._model = build(_MODEL, load_checkpoint(checkpoint))
        self.decoder = OnnxDecoder(ensure_decoder(checkpoint, _MODEL, folder).onnx, threads, [CPU])
        self._one = OfficialExport(self._model, folder / "one.onnx", threads, one_mask=True)
        self._all = OfficialExport(self._model, folder / "all.onnx", threads, one_mask=False)
        self._micro_sam = micro_sam
        self._folder = folder
        self.times = Times()
        self.overlaps: dict[str, list[float]] = defaultdict(list)

    def show(self, look: Look) -> None:
        """Tell the peer which image the next questions are about."""
        if self._micro_sam is not None:
            file = self._folder / "image.npy"
            np.save(file, look.image)
            self._micro_sam.ask(image=str(file))

    def ask(self, look: Look, question: Question) -> None:
        """Ask everyone, and compare the masks."""
        given = (look.embedding, look.geometry, question.prompts, question.hint)
        one, all_masks = self._one.inputs(*given), self._all.inputs(*given)
        kind = f"one mask, {question.kind}"
        self.times.add(["one mask", kind], lambda: self._ours(look, question, 1), lambda: self._one.run(one))
        self.times.add(["all masks"], lambda: self._ours(look, question, 3), lambda: self._all.run(all_masks))
        micro_sam, points = self._micro_sam, question.prompts.points
        if micro_sam is not None and question.kind == "point":
            asked = {"points": [(point.x, point.y) for point in points], "labels": [1] * len(points)}
            self.times.add(
                ["micro-sam"], lambda: self._ours(look, question, 1), lambda: micro_sam.ask(**asked)
            )
        answer = self.decoder.decode(look.prepared, look.geometry, question.prompts, question.hint)
        masks = self._all.scale(self._all.run(all_masks)[1], look.geometry)
        for token, theirs in zip(answer.tokens, masks, strict=True):
            ours = logits_to_mask(token.logits, look.geometry)
            self.overlaps[look.data_set].append(_iou(ours, Mask.from_array(theirs)))

    def ask_many(self, look: Look) -> None:
        """A batch of points: the cells', and when there are too few, points beside theirs."""
        cells = [interior_point(cell) for cell in look.truth]
        batch: list[Prompts] = [cells[number % len(cells)] for number in range(_BATCH)]
        self.times.add(
            ["batch"],
            lambda: self.decoder.decode_many(look.prepared, look.geometry, batch),
            lambda: torch_batch(self._model, look.embedding, look.geometry, batch),
        )

    def _ours(self, look: Look, question: Question, masks: int) -> None:
        hint = None if question.hint is None else question.hint.copy()  # not one that is known already
        answer = self.decoder.decode(look.prepared, look.geometry, question.prompts, hint)
        for candidate in answer.candidates[:masks]:
            logits_to_mask(candidate.logits, look.geometry)


def measure(checkpoint: Path, data: Path, threads: int, quick: bool) -> dict[str, Any]:
    """All figures of the benchmark."""
    torch.set_num_threads(threads)
    images, per_image, batches = (1, 8, 1) if quick else (3, 24, 5)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        micro_sam = None
        if peers.present():
            peer = peers.Peer("peer_micro_sam.py", str(checkpoint), threads=threads)
            micro_sam = stack.enter_context(peer)
        comparison = Comparison(checkpoint, threads, folder, micro_sam)
        encoder = open_encoder(checkpoint, _MODEL, "cpu", threads)
        asked = 0
        for number, look in enumerate(looks(data, encoder, comparison.decoder, images, per_image)):
            print(f"  {look.data_set}, image of {look.image.shape[:2]}", file=sys.stderr, flush=True)
            comparison.show(look)
            for question in questions(look, comparison.decoder, per_image):
                comparison.ask(look, question)
                asked += 1
            if number < batches:
                comparison.ask_many(look)
    return _facts(comparison, threads, asked)


def _facts(comparison: Comparison, threads: int, asked: int) -> dict[str, Any]:
    figures = comparison.times.figures({"batch": _BATCH})
    overlaps = [overlap for values in comparison.overlaps.values() for overlap in values]
    return {
        "benchmark": "decoder",
        "model": _MODEL,
        "threads": threads,
        "questions": asked,
        "onnxruntime": onnxruntime.__version__,
        "torch": torch.__version__,
        "comparisons": figures,
        "mask_iou": {
            "mean": float(np.mean(overlaps)),
            "least": min(overlaps),
            "masks": len(overlaps),
            "sets": {name: float(np.mean(values)) for name, values in comparison.overlaps.items()},
        },
        "ratio": {name: figure["ratio"] for name, figure in figures.items()},
    }


def table(facts: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = {
        "one mask": "official ONNX export, one mask",
        **{f"one mask, {kind}": f"- {kind}" for kind in KINDS},
        "all masks": "official ONNX export, all four masks",
        "micro-sam": "micro-sam, one point",
        "batch": f"segment-anything in PyTorch, {_BATCH} points together, per point",
    }
    lines = ["| beside | runs | theirs | ours | ratio |", "|---|--:|--:|--:|--:|"]
    for name, words in rows.items():
        figure = facts["comparisons"].get(name)
        if figure is None:
            lines.append(f"| {words} | | not measured | | |")
            continue
        times = f"{figure['theirs_ms']:.1f} ms | {figure['ours_ms']:.1f} ms"
        lines.append(f"| {words} | {figure['runs']} | {times} | {figure['ratio']:.2f} |")
    iou = facts["mask_iou"]
    lines.append(
        f"\n{facts['questions']} questions, {facts['threads']} threads. IoU of {iou['masks']} masks with the "
        f"official export's: mean {iou['mean']:.6f}, least {iou['least']:.5f}."
    )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoder")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each program")
    parser.add_argument("--quick", action="store_true", help="56 questions")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path(_MODEL)
    if checkpoint is None or not arguments.data.is_dir():
        print(f"Needs the model {_MODEL} and the images in {arguments.data}.", file=sys.stderr)
        return 2
    facts = measure(checkpoint, arguments.data, arguments.threads, arguments.quick)
    print(table(facts))
    print(json.dumps(facts))
    missed = [name for name, goal in _GOALS.items() if facts["ratio"][name] < goal]
    return int(bool(missed) or facts["mask_iou"]["mean"] < _IOU_GOAL)


def _milliseconds(side: Callable[[], Any]) -> float:
    time.sleep(_PAUSE_S)
    begun = time.perf_counter()
    answer = side()
    spent = (time.perf_counter() - begun) * 1000
    return float(answer["ms"]) if isinstance(answer, dict) else spent


def _iou(first: Mask | None, second: Mask | None) -> float:
    if first is None or second is None:
        return float(first is second)
    return first.iou(second)


if __name__ == "__main__":
    sys.exit(main())
