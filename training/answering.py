"""The weights of a moment, asked as an exported decoder is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.decoder import Answer, Candidate, token_order
from cellsam_desktop.sam.prompt_arrays import prompt_arrays
from cellsam_desktop.sam.transforms import InputGeometry
from training.failures import out_of_memory
from training.model import Prepared, TrainableDecoder
from training.prompts import ABSENT, PromptBatch

Logits = NDArray[np.float32]

_AT_ONCE = 16
"""Prompts per pass, at first; each takes some 30 MB."""


class TorchDecoder:
    """Gives the answers of ``OnnxDecoder`` from a decoder that is being trained.

    Weights may change between two questions, but what was prepared is of use only until they do.
    """

    def __init__(self, decoder: TrainableDecoder) -> None:
        self._decoder = decoder
        self._at_once = _AT_ONCE

    @property
    def _device(self) -> torch.device:
        return next(self._decoder.parameters()).device

    @torch.no_grad()
    def prepare(self, embedding: NDArray[Any]) -> Prepared:
        """Do once what depends on the image alone; ``embedding`` is (256, 64, 64) of any float type."""
        return self._decoder.prepare(torch.from_numpy(embedding.astype(np.float32)).to(self._device))

    def decode_many(
        self,
        image: Prepared,
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[Logits | None] | None = None,
    ) -> list[Answer]:
        """The candidates for each cell's prompts; see ``OnnxDecoder.decode_many``.

        Fewer are asked for at once when memory runs out.
        """
        given = [None] * len(prompts) if hints is None else list(hints)
        answers: dict[int, Answer] = {}
        for hinted in (False, True):
            left = [n for n, hint in enumerate(given) if (hint is not None) is hinted]
            while left:
                part = left[: self._at_once]
                own = [given[n] for n in part] if hinted else None
                try:
                    found = self._decode(image, geometry, [prompts[n] for n in part], own)
                except (RuntimeError, MemoryError) as error:
                    if len(part) == 1 or not out_of_memory(error):
                        raise
                    self._at_once = len(part) // 2
                    continue
                answers.update(zip(part, found, strict=True))
                left = left[len(part) :]
        return [answers[n] for n in range(len(prompts))]

    @torch.no_grad()
    def _decode(
        self,
        image: Prepared,
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[Logits | None] | None,
    ) -> list[Answer]:
        batch = batch_of(prompts, geometry, self._device)
        given = None if hints is None else self._stacked(hints)
        logits, quality = self._decoder(image, batch, given)
        masks, scores = logits.float().cpu().numpy(), quality.float().cpu().numpy()
        return [_answer(cell, *own) for cell, *own in zip(prompts, masks, scores, strict=True)]

    def _stacked(self, hints: Sequence[Logits | None]) -> Tensor:
        arrays = [hint for hint in hints if hint is not None]
        return torch.from_numpy(np.stack(arrays)[:, None]).to(self._device)


def batch_of(prompts: Sequence[Prompts], geometry: InputGeometry, device: torch.device) -> PromptBatch:
    """Prompts of several cells, filled up to the same length with nothing."""
    arrays = [prompt_arrays(cell, geometry) for cell in prompts]
    longest = max(coords.shape[1] for coords, _ in arrays)
    coords = np.zeros((len(arrays), longest, 2), np.float32)
    labels = np.full((len(arrays), longest), ABSENT, np.int64)
    for n, (own, kinds) in enumerate(arrays):
        coords[n, : own.shape[1]], labels[n, : own.shape[1]] = own[0], kinds[0]
    return PromptBatch(torch.from_numpy(coords).to(device), torch.from_numpy(labels).to(device))


def _answer(prompts: Prompts, masks: Logits, quality: Logits) -> Answer:
    tokens = tuple(Candidate(mask, float(iou)) for mask, iou in zip(masks, quality, strict=True))
    return Answer(tuple(tokens[number] for number in token_order(prompts, quality)), tokens)
