"""One step of training: the gradients of prompts and corrections, and the change of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.transforms import InputGeometry
from training.config import Config
from training.focus import Focus, Samples
from training.losses import rehearsal_loss, total_loss
from training.model import Prepared, TrainableDecoder
from training.prompts import PromptBatch, corrections, first_prompts, real_prompts
from training.sampling import Item
from training.targets import TargetMaker, Targets
from training.team import Team

Embedding = NDArray[np.float16]

_AT_ONCE = {"cpu": 4}  # prompts per pass; on a CPU what stays in its caches is quickest
_AT_ONCE_ELSEWHERE = 32


class TrainingError(CellSamError):
    """Training cannot go on."""


class Learner:
    """The weights that learn, their optimizer, and the moving average that is judged."""

    def __init__(
        self, decoder: TrainableDecoder, config: Config, team: Team, notice: Callable[[str], None]
    ) -> None:
        self.decoder = decoder.to(team.device)
        self._config, self._team, self._notice = config, team, notice
        self.weights = [weight for weight in decoder.parameters() if weight.requires_grad]
        self.average = [weight.detach().clone() for weight in self.weights]
        self._teacher = deepcopy(self.decoder)  # what rehearsal asks, and where weights are drawn to
        self._start = [weight for weight in self._teacher.parameters() if weight.requires_grad]
        self._teacher.requires_grad_(False)
        self.optimizer = _optimizer(self.weights, config)
        self.at_once = _AT_ONCE.get(team.device.type, _AT_ONCE_ELSEWHERE)
        self._precision = _precision(team.device, config)
        self._scaler = torch.amp.GradScaler(
            team.device.type, enabled=self._precision is torch.float16, init_scale=2.0**12
        )
        self._targets = TargetMaker()
        self.prompts = 0
        """How many prompts this process has learned from."""

    def step(
        self, number: int, items: Sequence[Item], get: Callable[[Any], Embedding], learning_rate: float
    ) -> float:
        """Change the weights once; ``get`` gives a view's embedding. Returns the mean loss.

        Raises:
            TrainingError: there is too little memory even for one prompt, or the loss is not a number.
        """
        while True:
            try:
                loss = self._gradients(items, get)
                break
            except RuntimeError as error:
                self._halve(error)
        losses = torch.tensor([loss], device=self._team.device)
        gradients = [_gradient(weight) for weight in self.weights]
        self._team.add_up([*gradients, losses])
        if not bool(losses.isfinite()):
            raise TrainingError("The loss is not a number any more: begin again with a lower learning rate.")
        self._change(number, learning_rate)
        return float(losses)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The decoder has the averaged weights within the block."""
        own = [weight.detach().clone() for weight in self.weights]
        _assign(self.weights, self.average)
        try:
            yield
        finally:
            _assign(self.weights, own)

    def _gradients(self, items: Sequence[Item], get: Callable[[Any], Embedding]) -> float:
        self.optimizer.zero_grad()
        own = self._team.share(items)
        count = sum(not item.rehearsed for item in items)
        return sum(self._learn(item, get(item.view), item.weight / count) for item in own)

    def _learn(self, item: Item, embedding: Embedding, share: float) -> float:
        """Add the gradients of an item, and return its part of the loss."""
        device = self._team.device
        image = torch.from_numpy(np.asarray(embedding, dtype=np.float32)).to(device)
        targets = self._targets.make(item.view, item.cells).to(device)
        random = Generator(device).manual_seed(item.seed)
        real = item.real(self._config.real_share)
        rounds = self._rounds(random)
        with self.computing():
            prepared = self.decoder.prepare(image)
            before = self._teacher.prepare(image) if item.rehearsed else None
        leaves = prepared.apart()
        total = 0.0
        for start in range(0, len(targets), self.at_once):
            part = slice(start, start + self.at_once)
            chosen = targets.part(part)
            weight = share * len(chosen) / len(targets)
            if before is not None:
                total += self._rehearse(leaves, before, chosen, weight, random)
            else:
                prompts = self._first(chosen, real[part], item.view.geometry, random)
                total += self._follow(leaves, chosen, prompts, rounds, weight, random)
        prepared.backward(leaves)
        return total

    def _first(
        self, targets: Targets, real: Sequence[Prompts | None], geometry: InputGeometry, random: Generator
    ) -> PromptBatch:
        drawn = first_prompts(targets, self._config.point_share, self._config.box_jitter, random)
        return real_prompts(drawn, real, geometry) if any(real) else drawn

    def _follow(
        self,
        image: Prepared,
        targets: Targets,
        prompts: PromptBatch,
        rounds: int,
        weight: float,
        random: Generator,
    ) -> float:
        """Learn from the first prompts and from corrections of the masks they give."""
        total, hints = 0.0, None
        for number in range(rounds):
            with self.computing():
                queries, tokens = self.decoder.transform(image, prompts, hints)
                samples = Samples.of(self.decoder, queries, tokens, targets, Focus.on(targets, random))
                predicted = self.decoder.quality(queries)
            loss = total_loss(samples, predicted, prompts.certain, self._config)
            torch.autograd.backward(self._scaler.scale(loss * weight))
            total += float(loss.detach()) * weight / rounds
            self.prompts += len(targets)
            if number + 1 < rounds:
                shown = self._shown(queries, tokens, predicted, prompts)
                prompts = corrections(targets, prompts, targets.near(shown)[:, 0], shown[:, 0], random)
                hints = shown if _draw(random) < self._config.hint_share else None
        return total

    def _rehearse(
        self, image: Prepared, before: Prepared, targets: Targets, weight: float, random: Generator
    ) -> float:
        """Learn to answer boxes as the decoder did before training."""
        prompts = first_prompts(targets, 0.0, self._config.box_jitter, random)
        focus = Focus.on(targets, random)
        with self.computing():
            with torch.no_grad():
                taught = _answer(self._teacher, before, prompts, targets, focus)
            loss = rehearsal_loss(
                *_answer(self.decoder, image, prompts, targets, focus), *taught, self._config
            )
        torch.autograd.backward(self._scaler.scale(loss * weight))
        return float(loss.detach()) * weight

    @torch.no_grad()
    def _shown(self, queries: Tensor, tokens: Tensor, predicted: Tensor, prompts: PromptBatch) -> Tensor:
        """The logits (N, 1, 256, 256) of the mask that a curator would see."""
        best = predicted[:, 1:].argmax(dim=1) + 1
        shown = torch.where(prompts.certain, torch.zeros_like(best), best)
        with self.computing():
            weights = self.decoder.mask_weights(queries)
            chosen = weights[torch.arange(len(shown), device=shown.device), shown]
            return self.decoder.logits(tokens, chosen[:, None]).float()

    def _rounds(self, random: Generator) -> int:
        rounds = 1
        while rounds <= self._config.corrections and _draw(random) < self._config.correct_share:
            rounds += 1
        return rounds

    def computing(self) -> torch.autocast:
        """Within the block, products are computed in the precision that is quickest here."""
        enabled = self._precision is not None
        return torch.autocast(self._team.device.type, self._precision, enabled=enabled)

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

    def _halve(self, error: RuntimeError) -> None:
        """Go on with fewer prompts at once if memory ran out."""
        if not _out_of_memory(error):
            raise error
        if self.at_once == 1:
            raise TrainingError(
                f"{self._team.device} has too little memory to train: close other programs, or use the CPU."
            ) from error
        self.at_once //= 2
        if self._team.device.type == "cuda":
            torch.cuda.empty_cache()
        self._notice(f"Memory ran out, so {self.at_once} prompts are computed at once from now on.")


def _answer(
    decoder: TrainableDecoder, image: Prepared, prompts: PromptBatch, targets: Targets, focus: Focus
) -> tuple[Samples, Tensor]:
    """What a decoder says to prompts: masks, sampled, and predicted IoUs."""
    queries, tokens = decoder.transform(image, prompts)
    return Samples.of(decoder, queries, tokens, targets, focus), decoder.quality(queries)


def _gradient(weight: Tensor) -> Tensor:
    """Zero where the items gave none."""
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    return weight.grad


@torch.no_grad()
def _assign(weights: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)


def _draw(random: Generator) -> float:
    return float(torch.rand((), generator=random, device=random.device))


def _optimizer(weights: Sequence[Tensor], config: Config) -> torch.optim.Optimizer:
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(weights, lr=config.learning_rate, weight_decay=config.weight_decay, foreach=True)


def _precision(device: torch.device, config: Config) -> torch.dtype | None:
    """The type of 16 bits that this device computes quicker with, if there is one."""
    if not config.half:
        return None
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return None


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
