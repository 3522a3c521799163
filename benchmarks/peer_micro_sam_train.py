"""micro-sam's own training; runs in the peers' environment (see ``peers``), not in ours.

One line of JSON in: ``train`` and ``validate``, lists of [image.npy, labels.npy]; ``folder`` to write to;
``seconds`` to train for, counted from its first step; ``keep_every`` so many of them its decoder is kept;
``objects`` per image, ``sub_iterations``, ``patch``. Out: ``kept``, a list of [seconds, decoder.safetensors];
``steps``; ``step_seconds``, the median.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

warnings.simplefilter("ignore")


class TimeIsUp(Exception):
    """The training has had its seconds."""


class Stopwatch:
    """When each step ended and what was kept, in seconds from now; writing files is not counted."""

    def __init__(self, folder: Path, seconds: float, keep_every: float) -> None:
        self.times: list[float] = []
        self.kept: list[tuple[float, str]] = []
        self._folder, self._seconds, self._keep_every = folder, seconds, keep_every
        self._begun, self._paused = time.perf_counter(), 0.0

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.times[-1] >= self._seconds

    def keeps_now(self) -> bool:
        """After a step: whether the decoder is to be kept."""
        self.times.append(time.perf_counter() - self._begun - self._paused)
        last = self.kept[-1][0] if self.kept else 0.0
        return self.over or self.times[-1] - last >= self._keep_every

    def keep(self, write: Callable[[Path], None]) -> None:
        """Keep the decoder that ``write`` writes."""
        before = time.perf_counter()
        file = self._folder / f"decoder-{len(self.kept):03d}.safetensors"
        write(file)
        self.kept.append((self.times[-1], str(file)))
        self._paused += time.perf_counter() - before


def main() -> None:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.manual_seed(0)
    np.random.seed(0)
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever the libraries print is no answer
    for line in sys.stdin:
        print(json.dumps(train(Path(sys.argv[1]), json.loads(line))), file=answers, flush=True)


def train(checkpoint: Path, task: dict[str, Any]) -> dict[str, Any]:
    """``train_sam`` as its window calls it, with the image encoder frozen, until the time is up."""
    from micro_sam.training import train_sam

    watch = Stopwatch(Path(task["folder"]), task["seconds"], task["keep_every"])
    with contextlib.suppress(TimeIsUp):
        train_sam(
            name="peer",
            model_type="vit_t",
            checkpoint_path=str(checkpoint),
            train_loader=loader(task["train"], task["patch"], is_train=True),
            val_loader=loader(task["validate"], task["patch"], is_train=False),
            n_epochs=100,
            n_objects_per_batch=task["objects"],
            n_sub_iteration=task["sub_iterations"],
            with_segmentation_decoder=False,
            freeze=["image_encoder"],
            device="cpu",
            save_root=task["folder"],
            optimizer_class=optimizer_of(checkpoint, watch),
        )
    pauses = np.diff(watch.times)
    return {
        "kept": watch.kept,
        "steps": len(watch.times),
        "step_seconds": statistics.median(pauses) if len(pauses) else float("nan"),
    }


def loader(pairs: list[list[str]], patch: int, *, is_train: bool) -> Any:
    """Its default loader over images held in memory."""
    from micro_sam.training import default_sam_loader

    images, labels = ([np.load(pair[side]) for pair in pairs] for side in (0, 1))
    return default_sam_loader(
        raw_paths=images,
        raw_key=None,
        label_paths=labels,
        label_key=None,
        patch_shape=(patch, patch),
        with_segmentation_decoder=False,
        with_channels=images[0].ndim == 3,
        is_train=is_train,
        batch_size=1,
        shuffle=is_train,
    )


def optimizer_of(checkpoint: Path, watch: Stopwatch) -> Any:
    """Its default optimizer, which keeps the decoder now and then and ends the training in time."""
    import torch
    from micro_sam.training import get_trainable_sam_model
    from safetensors.torch import save_file

    model = get_trainable_sam_model(
        model_type="vit_t", checkpoint_path=str(checkpoint), freeze=["image_encoder"], device="cpu"
    )
    names = [name for name, _ in model.named_parameters()]

    class Optimizer(torch.optim.AdamW):
        def step(self, closure: Any = None) -> Any:
            answer = super().step(closure)
            if watch.keeps_now():
                values = [value for group in self.param_groups for value in group["params"]]
                watch.keep(lambda file: save_file(decoder_of(zip(names, values, strict=True)), file))
            if watch.over:
                raise TimeIsUp
            return answer

    return Optimizer


def decoder_of(parameters: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The mask decoder's among the parameters of a whole model, by their names in it."""
    return {
        name.split("mask_decoder.")[1]: value.detach().clone()
        for name, value in parameters
        if "mask_decoder." in name
    }


if __name__ == "__main__":
    main()
