"""One of several processes that train together: ``torchrun ... -m tests.training.processes FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from tests.training.small import MadeEmbeddings, views
from training.base import Base
from training.commands import Commands
from training.config import Config
from training.learner import Learner
from training.loop import Budget, Task, Trainer
from training.model import TrainableDecoder
from training.team import Team

CONFIG = Config(images_per_step=2, prompts_per_image=1, held_out_cells=1, looks=1, half=False)


def losses(folder: Path) -> list[float]:
    """Train a little, and say how the loss went."""
    torch.set_num_threads(1)
    found: list[float] = []
    step = Learner.step
    Learner.step = lambda *given: found.append(step(*given)) or found[-1]  # type: ignore[assignment]
    team = Team("cpu")
    own = folder / str(team.rank)
    own.mkdir()
    shown = views(own)
    task = Task(shown, shown[:1], MadeEmbeddings())
    decoder = TrainableDecoder(Base.find("vit_t").build())
    Trainer(decoder, task, CONFIG, Budget(None, 1), lambda _: None, Commands(), own, team).run()
    Learner.step = step  # type: ignore[method-assign]
    (own / "losses.json").write_text(json.dumps(found), encoding="utf-8")
    return found


if __name__ == "__main__":
    losses(Path(sys.argv[1]))
