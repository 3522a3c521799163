"""The training loop: steps until the budget is spent or held-out cells gain nothing more."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch

from cellsam_desktop.core.training_messages import Control, Event, Noticed, Pictured, Stepped, Validated
from training import checkpoint
from training.answering import TorchDecoder
from training.checkpoint import Progress
from training.commands import Commands
from training.config import Config
from training.evaluate import Embedder, judge
from training.failures import explained
from training.learner import Learner
from training.metrics import Judgement, clearly_worse
from training.model import TrainableDecoder
from training.pictures import write_examples
from training.sampling import Sampler
from training.team import Team
from training.views import View

_REPORT_S = 1.0
_SAVE_S = 30.0
_LOOKING_SHARE = 0.15
"""Of the time, for looks at the held-out cells: a run of a minute would be over with them."""
_EXAMPLES = "examples.png"
_CLICKS = 2  # looks at the held-out cells ask for the first prompt and one correction


@dataclass(frozen=True, eq=False)
class Task:
    """What is learned from: ``train``, ``validate`` and ``rehearse`` are views, ``embeddings`` of them."""

    train: Sequence[View]
    validate: Sequence[View]
    embeddings: Embedder
    rehearse: Sequence[View] = ()


@dataclass(frozen=True)
class Budget:
    """When training ends at the latest: ``seconds`` from now, ``epochs`` over the cells; None: no limit.

    A resumed run goes on with what was left of both.
    """

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


class Trainer:
    """Trains ``decoder`` in place, and goes on where ``folder/state.pt`` left off if it is there."""

    def __init__(
        self,
        decoder: TrainableDecoder,
        task: Task,
        config: Config,
        budget: Budget,
        report: Callable[[Event], None],
        commands: Commands,
        folder: Path,
        team: Team | None = None,
    ) -> None:
        """``team`` is this process alone if it is not given.

        Raises:
            DataError: there is nothing to learn from.
        """
        team = team or Team()
        self._task, self._config, self._budget = task, config, budget
        self._report: Callable[[Event], None] = report if team.leads else lambda _: None
        self._commands, self._folder, self._team = commands, folder, team
        self._sampler = Sampler(task.train, config, task.rehearse)
        self._learner = Learner(decoder, config, team, lambda text: self._report(Noticed(text)))
        self._steps = (budget.epochs or config.epochs) * self._sampler.steps_per_epoch
        self._progress = Progress()
        self._losses: list[float] = []
        self._looked_at = -1
        self._looking = 0.0  # seconds
        self._before = 0.0  # seconds of the run that is resumed
        self._clock = time.monotonic()

    def run(self) -> Outcome:
        """Train until the end, and put the best weights into the decoder.

        Raises:
            TrainingError: memory or disk do not suffice, or the loss is not a number any more.
        """
        found = checkpoint.load(self._folder, self._learner, self._config.to_json())
        self._progress = found or self._progress
        self._before = self._progress.seconds
        self._clock = time.monotonic() - self._before
        if self._progress.looks == 0 and self._team.leads:
            self._save()  # from now on a run that was killed can be gone on with
            self._look()
            self._save()
        end = self._steps_until_the_end()
        if end is not End.CANCELLED and self._team.leads and self._looked_at != self._progress.step:
            self._look()
        self._save()
        self._keep_best()
        progress = self._progress
        return Outcome(
            end,
            progress.step,
            progress.best_step,
            progress.held_out_before,
            progress.held_out,
            progress.seconds,
        )

    def _steps_until_the_end(self) -> End:
        reported = saved = time.monotonic()
        while (end := self._ending()) is None:
            progress = self._progress
            items = self._sampler.items(progress.step)
            rate = self._team.agree(self._learning_rate(self._done()))
            self._losses.append(self._learner.step(progress.step, items, self._task.embeddings.get, rate))
            progress.step += 1
            progress.seconds = time.monotonic() - self._clock
            if not self._team.leads:
                continue
            if time.monotonic() - reported > _REPORT_S:
                self._say_how_it_goes()
                reported = time.monotonic()
            if self._is_time_to_look():
                self._look()
            if time.monotonic() - saved > _SAVE_S:
                self._save()
                saved = time.monotonic()
        return end

    def _ending(self) -> End | None:
        """Why to end now; waits while training is paused. All processes come to the same answer."""
        paused = time.monotonic()
        self._commands.wait_while_paused()
        self._clock += time.monotonic() - paused
        ends = list(End)
        found = self._own_ending()
        number = self._team.agree(-1 if found is None else ends.index(found))
        return None if number < 0 else ends[int(number)]

    def _own_ending(self) -> End | None:
        if self._commands.ending is not None:
            return End.STOPPED if self._commands.ending is Control.STOP else End.CANCELLED
        if self._config.patience and self._progress.waited >= self._config.patience:
            return End.SATURATED
        return End.BUDGET if self._done() >= 1 else None

    def _done(self) -> float:
        """Which part of the budget is spent, 0 to 1."""
        seconds = self._budget.seconds
        by_time = 0.0 if seconds is None else self._progress.seconds / seconds
        return min(1.0, max(by_time, self._progress.step / self._steps))

    def _learning_rate(self, done: float) -> float:
        config = self._config
        rate = config.learning_rate * min(1.0, (self._progress.step + 1) / max(1, config.warm_up))
        if config.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * done))
        elif config.schedule == "plateau":
            rate *= 0.9 ** (self._progress.waited // 4)
        return rate

    def _is_time_to_look(self) -> bool:
        """Looks are evenly spread over the budget; of one in seconds they leave the most to learning."""
        progress = self._progress
        if self._budget.seconds is not None and self._looking > _LOOKING_SHARE * progress.seconds:
            return False
        return self._done() >= progress.looks / self._config.looks

    def _look(self) -> None:
        """Judge the averaged weights on held-out cells, and keep them if they are as good as any so far."""
        progress, begun = self._progress, time.monotonic()
        self._looked_at = progress.step
        with self._learner.averaged(), explained(self._team.device):
            judged = self._judge()
        best = self._is_best(judged)
        progress.looks = math.floor(self._done() * self._config.looks) + 1
        if best:
            progress.held_out, progress.best_step = judged.scores.mean_iou, progress.step
            progress.best = [weight.clone() for weight in self._learner.average]
        self._report(Validated(progress.step, judged.scores, best))
        examples = self._folder / _EXAMPLES
        write_examples(examples, judged, self._task.validate)
        self._report(Pictured(str(examples)))
        self._looking += time.monotonic() - begun

    def _is_best(self, judged: Judgement) -> bool:
        """Whether the weights are better than before training, and seem as good as any since.

        Few cells are looked at, and which weights they like best is partly chance: of weights that they
        cannot tell apart the later ones are kept, which have learned more (the rule of one standard error,
        Breiman et al. 1984).
        """
        progress, ious, value = self._progress, judged.ious, judged.scores.mean_iou
        if progress.looks == 0:
            progress.held_out_before = value
        others = len(ious) != len(progress.highest)  # at first, and where cells were curated before resuming
        if others or np.mean(ious) > np.mean(progress.highest):
            progress.highest, progress.waited = ious, 0
        else:
            progress.waited += 1
        gained = progress.looks == 0 or value > progress.held_out_before
        return gained and not clearly_worse(ious, progress.highest)

    def _judge(self) -> Judgement:
        decoder, limit = TorchDecoder(self._learner.decoder), self._config.held_out_cells
        with self._learner.computing():
            return judge(decoder, self._task.validate, self._task.embeddings, clicks=_CLICKS, limit=limit)

    def _say_how_it_goes(self) -> None:
        progress, losses = self._progress, self._losses[-20:]
        speed = self._team.size * self._learner.prompts / max(1e-9, progress.seconds - self._before)
        done = max(1e-9, self._done())
        left = progress.seconds * (1 - done) / done
        loss = sum(losses) / len(losses)
        self._report(Stepped(progress.step, loss, progress.held_out, speed, progress.seconds, left))

    def _save(self) -> None:
        if self._team.leads:
            checkpoint.save(self._folder, self._learner, self._progress, self._config.to_json())

    @torch.no_grad()
    def _keep_best(self) -> None:
        for weight, best in zip(self._learner.weights, self._progress.best, strict=False):
            weight.copy_(best)
