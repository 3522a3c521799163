"""One click and one box per cell, on real images: ours beside the reference MobileSAM predictor.

    python -m benchmarks.prompts [--data DIR] [--limit IMAGES] [--cells CELLS] [--sets NAME ...]

The click is the cell's most interior point (the maximum of its distance transform, the image's border
counted as a border), the box its bounding box. Both programs get the same image, prompts and weights. Ours
is the code behind ``segment --candidate predicted-iou --crop none``, which takes the first candidate; what
the other modes make of the same clicks measures ``benchmarks.first_click``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import data_sets
from benchmarks.clicks import interior_point, tight_box
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.curation.headless_model import REFERENCE, HeadlessModel
from cellsam_desktop.sam.registry import ModelRegistry

LIMIT_OF_DIFFERENCE = 0.01
_MODEL = "vit_t"


@dataclass
class Scores:
    """IoU with the truth for each cell of a data set, and of our masks with the reference's."""

    ours: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    agreement: list[float] = field(default_factory=list)

    def add(self, truth: Mask, ours: Mask | None, reference: Mask | None) -> None:
        """Take one cell into account."""
        self.ours.append(_iou(ours, truth))
        self.reference.append(_iou(reference, truth))
        self.agreement.append(_iou(ours, reference))

    def figures(self) -> dict[str, float]:
        """Means over the cells."""
        ours, reference = float(np.mean(self.ours)), float(np.mean(self.reference))
        return {
            "ours": ours,
            "reference": reference,
            "difference": ours - reference,
            "agreement": float(np.mean(self.agreement)),
        }


class Reference:
    """MobileSAM's own ``SamPredictor`` (package mobilesam-mirror)."""

    def __init__(self, checkpoint: Path) -> None:
        from mobile_sam import SamPredictor, sam_model_registry

        model = sam_model_registry["vit_t"](checkpoint=str(checkpoint))
        self._predictor = SamPredictor(model.eval())

    def segment(self, image: NDArray[np.uint8], prompts: Iterable[Prompts]) -> Iterator[Mask | None]:
        """A mask for each cell's prompts, positive points or a box.

        For points it is the one of three with the highest predicted IoU; for a box, which says what is meant,
        the single mask that segment-anything recommends then.
        """
        self._predictor.set_image(image)
        for cell in prompts:
            points, box = cell.points, cell.box
            masks, quality, _ = self._predictor.predict(
                point_coords=np.array([(point.x, point.y) for point in points]) if points else None,
                point_labels=np.ones(len(points), dtype=int) if points else None,
                box=np.array([box.x0, box.y0, box.x1, box.y1]) if box else None,
                multimask_output=box is None,
            )
            yield Mask.from_array(masks[int(quality.argmax())])


def measure(ours: HeadlessModel, reference: Reference, images: Iterable[data_sets.Sample]) -> dict[str, Any]:
    """Figures of one data set."""
    scores, cells, count = {"click": Scores(), "box": Scores()}, 0, 0
    for sample in images:
        started = time.perf_counter()
        truth = sample.truth
        prompts = [*map(interior_point, truth), *map(tight_box, truth)]
        own = [found.mask for found in ours.segment(sample.image, prompts, way=REFERENCE)]
        theirs = reference.segment(sample.image, prompts)
        kinds = ["click"] * len(truth) + ["box"] * len(truth)
        for kind, true, our, their in zip(kinds, truth * 2, own, theirs, strict=True):
            scores[kind].add(true, our, their)
        cells, count = cells + len(truth), count + 1
        seconds = time.perf_counter() - started
        print(f"  {sample.name}: {len(truth)} cells, {seconds:.1f} s", file=sys.stderr, flush=True)
    return {"images": count, "cells": cells, **{kind: scores[kind].figures() for kind in scores}}


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "| data set | images | cells | click | reference | difference | box | reference | difference |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for data_set, result in results.items():
        cells = [data_set, str(result["images"]), str(result["cells"])]
        for kind in ("click", "box"):
            figures = result[kind]
            cells += [f"{figures[name]:.3f}" for name in ("ours", "reference")]
            cells.append(f"{figures['difference']:+.4f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line; 1 if a difference is too large."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prompts")
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--limit", type=int, help="at most so many images per data set, evenly spread")
    parser.add_argument("--cells", type=int, help="at most so many cells per image, evenly spread")
    parser.add_argument("--sets", nargs="+", choices=data_sets.NAMES, default=data_sets.NAMES)
    parser.add_argument("--threads", type=int, help="processor threads for each of the two programs")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path(_MODEL)
    if checkpoint is None or not arguments.data.is_dir():
        print(f"Needs the model {_MODEL} and the images in {arguments.data}.", file=sys.stderr)
        return 2
    ours = HeadlessModel(checkpoint, _MODEL, "cpu", None, arguments.threads)
    reference = Reference(checkpoint)
    results = {}
    for name in arguments.sets:
        print(name, file=sys.stderr, flush=True)
        images = data_sets.samples(arguments.data, name, arguments.limit, arguments.cells)
        results[name] = measure(ours, reference, images)
    print(table(results))
    differences = [result[kind]["difference"] for result in results.values() for kind in ("click", "box")]
    largest = max(map(abs, differences))
    facts = {"benchmark": "prompts", "model": _MODEL, "largest_difference": largest, "sets": results}
    print(json.dumps(facts))
    return int(largest >= LIMIT_OF_DIFFERENCE)


def _iou(first: Mask | None, second: Mask | None) -> float:
    if first is None or second is None:
        return float(first is second)
    return first.iou(second)


if __name__ == "__main__":
    sys.exit(main())
