"""The image encoder: ours beside the official predictor's ``set_image``, with the same weights and threads.

    python -m benchmarks.encoder [--data DIR] [--threads N] [--device auto|cpu|cuda] [--quick]

MobileSAM (``vit_t``) has its real weights. The larger models have the installed ones, or random ones: that
changes neither time nor memory, but their masks mean nothing then. Both sides encode the same real images in
turn, from the pixels to the embedding in main memory; ratios are medians of the pairs'. The mask IoU is that
of all three masks of a click inside each cell: the official predictor decodes both embeddings. Memory is the
peak of a process that does nothing else (on a GPU: what PyTorch took there), and *first* the seconds from the
start of that process to its first embedding.

On CUDA ``vit_b`` and ``vit_h`` are compared, and MobileSAM for its masks; ours as the program uses it, in
float16. Without a GPU the line says "not measured".
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks import data_sets
from benchmarks.data_sets import Sample
from benchmarks.encoder_sides import Reference, alone, random_weights
from benchmarks.prompts import interior_point
from cellsam_desktop.sam.encoder import Encoder, open_encoder
from cellsam_desktop.sam.registry import ModelRegistry

_GOALS = {
    ("vit_t", "cpu"): 2.0,
    ("vit_b", "cpu"): 1.3,
    ("vit_t", "cuda"): 1.0,
    ("vit_b", "cuda"): 2.5,
    ("vit_h", "cuda"): 2.5,
}
_PAIRS = {("vit_t", "cpu"): 15, ("vit_b", "cpu"): 3}
_PAIRS_ON_CUDA = 15
_IOU_GOAL = 0.99
_CELLS = 8


def measure(
    model: str, device: str, checkpoint: Path, threads: int, images: Sequence[Sample], pairs: int
) -> dict[str, Any]:
    """All figures of one model on one device."""
    reference = Reference(model, checkpoint, device, threads)
    ours = open_encoder(checkpoint, model, device, threads)
    torch.set_num_threads(threads)
    for encoder in (reference, ours):
        encoder.encode(images[0].image)
    times = [take_turns(reference, ours, images[turn % len(images)], turn) for turn in range(pairs)]
    seconds = {side: median(pair[side] for pair in times) for side in ("ours", "reference")}
    figures = {
        "ratio": median(pair["reference"] / pair["ours"] for pair in times),
        "seconds": seconds,
        "backend": ours.backend,
        "pairs": pairs,
        **agreement(reference, ours, images),
    }
    if device == "cuda":
        figures["peak_mb"] = {"ours": gpu_peak(ours, images[0]), "reference": gpu_peak(reference, images[0])}
    else:
        del reference, ours
        sides = {side: alone(side, model, checkpoint, device, threads) for side in seconds}
        for figure in ("peak_mb", "first_s"):
            figures[figure] = {side: found[figure] for side, found in sides.items()}
    return figures


def take_turns(reference: Reference, ours: Encoder, sample: Sample, turn: int) -> dict[str, float]:
    """Seconds of both sides for one image; who is first changes from pair to pair."""
    sides: list[tuple[str, Any]] = [("reference", reference), ("ours", ours)]
    took = {}
    for side, encoder in sides if turn % 2 else reversed(sides):
        started = time.perf_counter()
        encoder.encode(sample.image)
        took[side] = time.perf_counter() - started
    return took


def agreement(reference: Reference, ours: Encoder, images: Sequence[Sample]) -> dict[str, Any]:
    """Mask IoU, mean and worst, and the largest difference of embeddings relative to their largest number."""
    ious: list[float] = []
    apart = 0.0
    for sample in images:
        expected, found = reference.encode(sample.image), ours.encode(sample.image)
        apart = max(apart, float(np.abs(found - expected).max() / np.abs(expected).max()))
        for cell in sample.truth:
            point = interior_point(cell).points[0]
            both = [reference.masks(embedding, (point.x, point.y)) for embedding in (found, expected)]
            ious += [_iou(*pair) for pair in zip(*both, strict=True)]
    return {"iou": float(np.mean(ious)), "worst_iou": min(ious), "masks": len(ious), "difference": apart}


def gpu_peak(encoder: Any, sample: Sample) -> int:
    """MB on the GPU that encoding one image takes beside the weights."""
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    encoder.encode(sample.image)
    return round((torch.cuda.max_memory_allocated() - before) / 1e6)


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "| model | weights | ours with | ours | official | ratio | goal | mask IoU | worst IoU "
        "| memory | official | first | official |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, found in results.items():
        first = found.get("first_s", {"ours": "", "reference": ""})
        cells = [
            name,
            found["weights"],
            found["backend"],
            *(f"{found['seconds'][side]:.3f} s" for side in ("ours", "reference")),
            f"{found['ratio']:.2f}",
            f"{found['goal']:.1f}",
            f"{found['iou']:.5f}",
            f"{found['worst_iou']:.5f}",
            *(f"{found['peak_mb'][side]:.0f} MB" for side in ("ours", "reference")),
            *(f"{first[side]} s" if first[side] else "" for side in ("ours", "reference")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="processor threads of each side")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--quick", action="store_true", help="MobileSAM on the CPU only, few images")
    arguments = parser.parse_args(argv)
    if ModelRegistry().path("vit_t") is None or not arguments.data.is_dir():
        print(f"Needs the model vit_t and the images in {arguments.data}.", file=sys.stderr)
        return 2
    cuda = torch.cuda.is_available() and arguments.device != "cpu"
    wanted = [
        (model, device)
        for model, device in _GOALS
        if (device == "cpu" and arguments.device != "cuda") or (device == "cuda" and cuda)
    ]
    images = [
        sample for name in data_sets.NAMES for sample in data_sets.samples(arguments.data, name, 1, _CELLS)
    ]
    results = _measure_all(wanted[:1] if arguments.quick else wanted, images, arguments)
    print(table(results))
    if not cuda:
        print("\nCUDA: not measured, there is no GPU here.")
    facts = {
        "benchmark": "encoder",
        "threads": arguments.threads,
        "ratio": {name: round(found["ratio"], 3) for name, found in results.items()},
        "iou": {name: found["iou"] for name, found in results.items()},
        "peak_mb": {name: found["peak_mb"] for name, found in results.items()},
        "cuda": torch.cuda.get_device_name() if cuda else "not measured",
        "models": results,
    }
    print(json.dumps(facts))
    return int(any(map(_misses, results.values())))


def _misses(found: dict[str, Any]) -> bool:
    """Whether a goal is missed; random weights draw no masks that could be judged."""
    judged = found["weights"] == "official"
    return found["ratio"] < found["goal"] or (judged and found["iou"] < _IOU_GOAL)


def _measure_all(
    wanted: Sequence[tuple[str, str]], images: Sequence[Sample], arguments: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for model, device in wanted:
            print(f"{model} on {device}", file=sys.stderr, flush=True)
            installed = ModelRegistry().path(model)
            checkpoint = installed or random_weights(model, Path(folder))
            # The larger models take long on the CPU: two images show whether the masks agree.
            some = images if device == "cuda" or model == "vit_t" else images[::4]
            pairs = 3 if arguments.quick else _PAIRS.get((model, device), _PAIRS_ON_CUDA)
            found = measure(model, device, checkpoint, arguments.threads, some, pairs)
            weights = "random" if installed is None else "official"
            goal = _GOALS[model, device]
            results[f"{model} {device}"] = {"weights": weights, "goal": goal, **found}
    return results


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    union = int((first | second).sum())
    return 1.0 if union == 0 else int((first & second).sum()) / union


if __name__ == "__main__":
    sys.exit(main())
