"""A trained decoder in the program's own way: crops at the cells' scale, and its choice of candidate."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.clicks import interior_point, tight_box
from benchmarks.data_sets import spread
from benchmarks.training_commands import MODEL
from benchmarks.training_sets import TrainingSet
from cellsam_desktop.curation.headless_decoder import OWN
from cellsam_desktop.curation.headless_model import HeadlessModel
from training.data import load

_CELLS = 64


def ours(data: Path, part: TrainingSet, run: Path | None) -> dict[str, float]:
    """Mean IoU of one point (``ours_point``) and of a box (``ours_box``) on the test images.

    No cell is accepted before. ``run`` is the folder of the decoder, None for the model's own.
    """
    model = HeadlessModel.load(MODEL, OWN if run is None else str(run))
    ious: dict[str, list[float]] = {"ours_point": [], "ours_box": []}
    frames = load([Path(part.test_data(data))])
    chosen = set(spread(sum(len(frame.cells) for frame in frames), _CELLS))
    number = count(0)
    for frame in frames:
        image = frame.image()
        for truth in [cell.mask for cell in frame.cells if next(number) in chosen]:
            for kind, prompts in (("ours_point", interior_point(truth)), ("ours_box", tight_box(truth))):
                found = model.find(image, prompts).mask
                ious[kind].append(0.0 if found is None else found.iou(truth))
    return {kind: float(np.mean(values)) for kind, values in ious.items()}
