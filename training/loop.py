"""The training loop: steps until the budget is spent or held-out cells gain nothing more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from training.commands import Commands
from training.config import Config
from training.messages import Event
from training.model import TrainableDecoder


@dataclass(frozen=True, eq=False)
class Task:
    """What is learned from: ``train`` and ``validate`` are views, ``embeddings`` of them."""

    train: Sequence[Any]
    validate: Sequence[Any]
    embeddings: Any


@dataclass(frozen=True)
class Budget:
    """When training ends at the latest: ``seconds`` from now, ``epochs`` over the cells; None: no limit."""

    seconds: float | None = None
    epochs: int | None = None


class End(StrEnum):
    """Why training ended."""

    BUDGET = "budget"
    SATURATED = "saturated"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Outcome:
    """How it went; the decoder holds the best weights. ``held_out`` are mean IoUs before and at the best."""

    end: End
    steps: int
    best_step: int
    held_out_before: float
    held_out: float
    seconds: float


def train(
    decoder: TrainableDecoder,
    task: Task,
    config: Config,
    budget: Budget,
    report: Callable[[Event], None],
    commands: Commands,
    folder: Path,
) -> Outcome:
    """Train ``decoder`` in place; go on where ``folder/state.pt`` left off if it is there."""
    raise NotImplementedError
