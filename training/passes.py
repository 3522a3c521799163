"""Forward and backward through the decoder for the cells of one item: prompts, corrections, rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.embedding_cache import Embedding
from cellsam_desktop.sam.transforms import InputGeometry
from training.config import Config
from training.focus import Focus, Samples
from training.losses import rehearsal_loss, total_loss
from training.model import Prepared, TrainableDecoder
from training.prompts import PromptBatch, corrections, first_prompts, paired_corrections, real_prompts
from training.sampling import Item
from training.targets import Targets


@dataclass(frozen=True, eq=False)
class Part:
    """An item with what it takes to learn from it; ``share`` is its part in the loss of the step."""

    item: Item
    embedding: Embedding
    targets: Targets
    share: float


@dataclass(frozen=True, eq=False)
class Passes:
    """How items are learned from; several may be at once, with decoders of their own.

    ``teacher`` is the decoder as it was before training. Losses are scaled by ``scaler`` before they are
    taken back.
    """

    config: Config
    device: torch.device
    precision: torch.dtype | None
    scaler: torch.amp.GradScaler
    teacher: TrainableDecoder

    def computing(self) -> torch.autocast:
        """Within the block, products are computed in the precision that is quickest here."""
        enabled = self.precision is not None
        return torch.autocast(self.device.type, self.precision, enabled=enabled)

    def learn(self, decoder: TrainableDecoder, part: Part, at_once: int) -> tuple[float, int]:
        """Add the gradients of an item, ``at_once`` prompts a pass; its part of the loss, and how many
        prompts were learned from.
        """
        return _Lesson(self, decoder, part).learn(at_once)


class _Lesson:
    """One item and one decoder."""

    def __init__(self, passes: Passes, decoder: TrainableDecoder, part: Part) -> None:
        self._passes, self._decoder, self._part = passes, decoder, part
        self._config = passes.config
        self._random = Generator(passes.device).manual_seed(part.item.seed)
        self._prompts = 0

    def learn(self, at_once: int) -> tuple[float, int]:
        item, targets, passes = self._part.item, self._part.targets, self._passes
        image = torch.from_numpy(np.asarray(self._part.embedding, dtype=np.float32)).to(passes.device)
        with passes.computing():
            prepared = self._decoder.prepare(image)
            before = passes.teacher.prepare(image) if item.rehearsed else None
        leaves = prepared.apart()
        real = item.real(self._config.real_share)
        total = 0.0
        for start in range(0, len(targets), at_once):
            part = slice(start, start + at_once)
            chosen = targets.part(part)
            weight = self._part.share * len(chosen) / len(targets)
            if before is not None:
                total += self._rehearse(leaves, before, chosen, weight)
            else:
                prompts = self._first(chosen, real[part], item.view.geometry)
                total += self._follow(leaves, chosen, prompts, weight)
        prepared.backward(leaves)
        return total, self._prompts

    def _first(
        self, targets: Targets, real: Sequence[Prompts | None], geometry: InputGeometry
    ) -> PromptBatch:
        drawn = first_prompts(targets, self._config.point_share, self._config.box_jitter, self._random)
        return real_prompts(drawn, real, geometry) if any(real) else drawn

    def _follow(self, image: Prepared, targets: Targets, prompts: PromptBatch, weight: float) -> float:
        """Learn from the first prompts and from corrections of the masks they give."""
        total, hints, rounds = 0.0, None, self._part.item.rounds
        for number in range(rounds):
            with self._passes.computing():
                queries, tokens = self._decoder.transform(image, prompts, hints)
                focus = Focus.on(targets, self._random)
                samples = Samples.of(self._decoder, queries, tokens, targets, focus)
                predicted = self._decoder.quality(queries)
            loss = total_loss(samples, predicted, prompts.certain, self._config)
            self._take_back(loss * weight)
            total += float(loss.detach()) * weight / rounds
            self._prompts += len(targets)
            if number + 1 < rounds:
                shown = self._shown(queries, tokens, predicted, prompts)
                near = targets.near(shown)[:, 0]
                correct = corrections if self._config.clicks_per_round == 1 else paired_corrections
                prompts = correct(targets, prompts, near, shown[:, 0], self._random)
                hints = shown if self._draw() < self._config.hint_share else None
        return total

    def _rehearse(self, image: Prepared, before: Prepared, targets: Targets, weight: float) -> float:
        """Learn to answer boxes as the decoder did before training."""
        prompts = first_prompts(targets, 0.0, self._config.box_jitter, self._random)
        focus = Focus.on(targets, self._random)
        with self._passes.computing():
            with torch.no_grad():
                taught = _answer(self._passes.teacher, before, prompts, targets, focus)
            found = _answer(self._decoder, image, prompts, targets, focus)
            loss = rehearsal_loss(*found, *taught, self._config)
        self._take_back(loss * weight)
        return float(loss.detach()) * weight

    @torch.no_grad()
    def _shown(self, queries: Tensor, tokens: Tensor, predicted: Tensor, prompts: PromptBatch) -> Tensor:
        """The logits (N, 1, 256, 256) of the mask that a curator would see."""
        best = predicted[:, 1:].argmax(dim=1) + 1
        shown = torch.where(prompts.certain, torch.zeros_like(best), best)
        with self._passes.computing():
            weights = self._decoder.mask_weights(queries)
            chosen = weights[torch.arange(len(shown), device=shown.device), shown]
            return self._decoder.logits(tokens, chosen[:, None]).float()

    def _take_back(self, loss: Tensor) -> None:
        torch.autograd.backward(self._passes.scaler.scale(loss))

    def _draw(self) -> float:
        return float(torch.rand((), generator=self._random, device=self._random.device))


def _answer(
    decoder: TrainableDecoder, image: Prepared, prompts: PromptBatch, targets: Targets, focus: Focus
) -> tuple[Samples, Tensor]:
    """What a decoder says to prompts: masks, sampled, and predicted IoUs."""
    queries, tokens = decoder.transform(image, prompts)
    return Samples.of(decoder, queries, tokens, targets, focus), decoder.quality(queries)
