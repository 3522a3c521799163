"""Several processes that train one decoder: each takes a part of every step's items.

They are started by ``accelerate launch`` or ``torchrun``; the gradients are those of one process with all
items.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast, gather
from torch import Tensor

T = TypeVar("T")

_PATIENCE = timedelta(days=7)
"""So long the others wait for the leading process, which encodes and judges alone."""


class Team:
    """This process among the others; alone where nothing else was started."""

    def __init__(self, device: str | None = None) -> None:
        """``device`` is where this process computes; None: where the launcher says."""
        self._state = PartialState(cpu=device == "cpu", timeout=_PATIENCE)
        self.size: int = self._state.num_processes
        self.rank: int = self._state.process_index
        self.device = self._state.device if device is None or self.size > 1 else torch.device(device)

    @property
    def leads(self) -> bool:
        """Whether this process judges, writes and reports."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """The items that this process works on."""
        return items[self.rank :: self.size]

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by the sum over all processes."""
        if self.size == 1:
            return
        own = list(tensors)
        total = gather(torch.cat([tensor.flatten() for tensor in own])[None]).sum(dim=0)
        for tensor, part in zip(own, total.split([tensor.numel() for tensor in own]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def agree(self, value: float) -> float:
        """What the leading process says."""
        if self.size == 1:
            return value
        return float(broadcast(torch.tensor([value], dtype=torch.float64, device=self.device)).item())
