"""One step of training: the gradients of prompts and corrections, and the change of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cellsam_desktop.sam.embedding_cache import Embedding
from training.config import Config
from training.crew import Crew
from training.failures import TrainingError, explained, out_of_memory
from training.model import TrainableDecoder
from training.passes import Part, Passes
from training.sampling import Item
from training.targets import TargetMaker
from training.team import Team

_AT_ONCE = {"cpu": 4}  # prompts per pass; on a CPU what stays in its caches is quickest
_AT_ONCE_ELSEWHERE = 32


class Learner:
    """The weights that learn, their optimizer, and the moving average that is judged."""

    def __init__(
        self, decoder: TrainableDecoder, config: Config, team: Team, notice: Callable[[str], None]
    ) -> None:
        self.decoder = decoder.to(team.device)
        self._config, self._team, self._notice = config, team, notice
        self.weights = [weight for weight in decoder.parameters() if weight.requires_grad]
        self.average = [weight.detach().clone() for weight in self.weights]
        teacher = deepcopy(self.decoder)  # what rehearsal asks, and where weights are drawn to
        self._start = [weight for weight in teacher.parameters() if weight.requires_grad]
        teacher.requires_grad_(False)
        self.optimizer = _optimizer(self.weights, config)
        self.at_once = min(config.prompts_per_image, _AT_ONCE.get(team.device.type, _AT_ONCE_ELSEWHERE))
        precision = _precision(team.device, config)
        self._scaler = torch.amp.GradScaler(
            team.device.type, enabled=precision is torch.float16, init_scale=2.0**12
        )
        self._passes = Passes(config, team.device, precision, self._scaler, teacher)
        self._crew = Crew(self.decoder)
        self._targets = TargetMaker()
        self.prompts = 0
        """How many prompts this process has learned from."""

    def step(
        self, number: int, items: Sequence[Item], get: Callable[[Any], Embedding], learning_rate: float
    ) -> float:
        """Change the weights once; ``get`` gives a view's embedding. Returns the mean loss.

        Raises:
            TrainingError: there is too little memory even for one prompt, the graphics card fails, or the
                loss is not a number.
        """
        with explained(self._team.device):
            losses = torch.tensor([self._learn(items, get)], device=self._team.device)
            gradients = [_gradient(weight) for weight in self.weights]
            self._team.add_up([*gradients, losses])
            if not bool(losses.isfinite()):
                raise TrainingError(
                    "The loss is not a number any more: begin again with a lower learning rate."
                )
            self._change(number, learning_rate)
            return float(losses)

    def computing(self) -> torch.autocast:
        """Within the block, products are computed in the precision that is quickest here."""
        return self._passes.computing()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The decoder has the averaged weights within the block."""
        own = [weight.detach().clone() for weight in self.weights]
        _assign(self.weights, self.average)
        try:
            yield
        finally:
            _assign(self.weights, own)

    def _learn(self, items: Sequence[Item], get: Callable[[Any], Embedding]) -> float:
        """The gradients of all items; with fewer prompts at once from now on if memory runs out."""
        while True:
            try:
                return self._gradients(items, get)
            except (RuntimeError, MemoryError) as error:
                if self.at_once == 1 or not out_of_memory(error):
                    raise
            self._halve()

    def _gradients(self, items: Sequence[Item], get: Callable[[Any], Embedding]) -> float:
        self.optimizer.zero_grad()
        count = sum(not item.rehearsed for item in items)
        parts = [self._part(item, get, item.weight / count) for item in self._team.share(items)]
        learned = self._crew.run(
            [partial(self._passes.learn, part=part, at_once=self.at_once) for part in parts]
        )
        self.prompts += sum(prompts for _, prompts in learned)
        return sum(loss for loss, _ in learned)

    def _part(self, item: Item, get: Callable[[Any], Embedding], share: float) -> Part:
        targets = self._targets.make(item.view, item.cells).to(self._team.device)
        return Part(item, get(item.view), targets, share)

    def _change(self, number: int, learning_rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self._scaler.unscale_(self.optimizer)
        if self._config.clip:
            torch.nn.utils.clip_grad_norm_(self.weights, self._config.clip)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        decay = min(self._config.average, (1 + number) / (10 + number))
        back = min(1.0, learning_rate * self._config.pull)
        with torch.no_grad():
            for kept, weight, start in zip(self.average, self.weights, self._start, strict=True):
                weight.lerp_(start, back)
                kept.lerp_(weight, 1 - decay)

    def _halve(self) -> None:
        self.at_once //= 2
        if self._team.device.type == "cuda":
            torch.cuda.empty_cache()
        prompts = "1 prompt is" if self.at_once == 1 else f"{self.at_once} prompts are"
        self._notice(f"Memory ran out, so {prompts} computed at once from now on.")


def _gradient(weight: Tensor) -> Tensor:
    """Zero where the items gave none."""
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    return weight.grad


@torch.no_grad()
def _assign(weights: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)


def _optimizer(weights: Sequence[Tensor], config: Config) -> torch.optim.Optimizer:
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(weights, lr=config.learning_rate, weight_decay=config.weight_decay, foreach=True)


def _precision(device: torch.device, config: Config) -> torch.dtype | None:
    """The type of 16 bits that this device computes quicker with, if there is one."""
    if not config.half:
        return None
    if device.type == "cuda":
        quick = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if quick else torch.float16
    if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return None
