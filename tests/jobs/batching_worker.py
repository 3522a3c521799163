"""A worker as it would be with a graphics card: its encoder takes three frames at once, and computes nothing.

``python -m tests.jobs.batching_worker MODE``; MODE is ``steady``, or ``fragile``: the process ends when it is
given several frames at once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from cellsam_desktop.jobs import worker, worker_main
from cellsam_desktop.jobs.leisure import Leisure
from cellsam_desktop.jobs.protocol import Configure
from cellsam_desktop.jobs.worker_model import EncoderLoaded, ModelEvent, WeightsKnown
from cellsam_desktop.sam.embedding_cache import SHAPE

FRAME_S = 0.3


class OnCard:
    device = "cuda"
    backend = "pytorch"
    batch = 3

    def __init__(self, fragile: bool) -> None:
        self._fragile = fragile

    def encode_many(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        if self._fragile and len(images) > 1:
            os._exit(9)
        time.sleep(FRAME_S * len(images))
        return [np.full(SHAPE, image.mean(), np.float16) for image in images]


def load_model(request: Configure, tell: Callable[[ModelEvent], None], leisure: Leisure) -> None:
    tell(WeightsKnown(request.number, "0" * 64))
    tell(EncoderLoaded(request.number, OnCard(sys.argv[1] == "fragile")))


if __name__ == "__main__":
    worker.load_model = load_model
    worker_main.main()
