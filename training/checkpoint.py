"""The state of a training that was interrupted, in one file that is replaced whole."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from cellsam_desktop import paths
from cellsam_desktop.sam.trained import STATE
from training.config import Config
from training.failures import TrainingError
from training.learner import Learner


@dataclass
class Progress:
    """How far training has come.

    ``best`` are the averaged weights that are kept, of step ``best_step``, with a mean IoU of ``held_out``;
    ``highest`` the IoUs of the held-out cells when their mean was highest, and ``waited`` how many looks ago
    that was.
    """

    step: int = 0
    seconds: float = 0.0
    looks: int = 0
    waited: int = 0
    held_out_before: float = 0.0
    held_out: float = 0.0
    highest: list[float] = field(default_factory=list)
    best_step: int = 0
    best: list[torch.Tensor] = field(default_factory=list)


def save(folder: Path, learner: Learner, progress: Progress, config: dict[str, Any]) -> None:
    """Write everything that a resumed run needs.

    Raises:
        TrainingError: the disk is full or refuses.
    """
    content = {
        "config": config,
        "progress": vars(progress),
        "weights": [weight.detach() for weight in learner.weights],
        "average": learner.average,
        "optimizer": learner.optimizer.state_dict(),
        "at_once": learner.at_once,
    }
    try:
        with paths.atomic_path(folder / STATE) as temporary:
            torch.save(content, temporary)
    except (OSError, RuntimeError) as error:  # PyTorch's writer says RuntimeError when the disk is full
        raise TrainingError(
            f"The state of training cannot be written to {folder} (is the disk full?): make room and resume."
        ) from error


def load(folder: Path, learner: Learner, config: dict[str, Any]) -> Progress | None:
    """Put ``learner`` where the run in ``folder`` left off; None where it has no state.

    Raises:
        TrainingError: the file cannot be read, or was written with other settings.
    """
    path = folder / STATE
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location=learner.weights[0].device, weights_only=True)
        if {**Config().to_json(), **content["config"]} != config:  # it may be older than a setting
            raise TrainingError(
                f"{path} was written with other settings: resume with those, or begin a new run."
            )
        with torch.no_grad():
            for own, kept in ((learner.weights, "weights"), (learner.average, "average")):
                for weight, value in zip(own, content[kept], strict=True):
                    weight.copy_(value)
        learner.optimizer.load_state_dict(content["optimizer"])
        learner.at_once = int(content["at_once"])
        return Progress(**content["progress"])
    except (
        OSError,
        RuntimeError,
        KeyError,
        TypeError,
        ValueError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        raise TrainingError(
            f"{path} cannot be read, so this run cannot be resumed: begin a new one."
        ) from error
