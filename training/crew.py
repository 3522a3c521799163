"""Several items of a step at once, each on cores of its own.

The products of one item are too small to keep several cores busy: two items beside each other, with one
thread each, take less time than both one after the other with two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from typing import TypeVar

import torch

from training.model import TrainableDecoder

T = TypeVar("T")


class Crew:
    """Copies of a decoder that share its weights, but not its gradients."""

    def __init__(self, decoder: TrainableDecoder, cores: int | None = None) -> None:
        """``cores`` are those that PyTorch uses if not given; elsewhere than on the CPU one works alone."""
        on_cpu = next(decoder.parameters()).device.type == "cpu"
        self._cores = (cores or torch.get_num_threads()) if on_cpu else 1
        self._decoder = decoder
        self._copies: list[TrainableDecoder] = []

    def run(self, works: Sequence[Callable[[TrainableDecoder], T]]) -> list[T]:
        """What each of ``works`` gives for a decoder; the gradients of all are added to the decoder's.

        They are added in the order of ``works``, whichever ends first.
        """
        if min(self._cores, len(works)) < 2:
            return [work(self._decoder) for work in works]
        while len(self._copies) < len(works):
            self._copies.append(_sharing(self._decoder))
        copies = self._copies[: len(works)]
        for copy in copies:
            copy.zero_grad()
        with _threads_each(max(1, self._cores // len(works))) as threads:
            begun = [
                self._pool.submit(_work, threads, work, copy)
                for work, copy in zip(works, copies, strict=True)
            ]
            wait(begun)  # after an error as well: what goes on would add to the gradients of the next run
        results = [future.result() for future in begun]
        for copy in copies:
            _add_gradients(self._decoder, copy)
        return results

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._cores, "training")


def _work(threads: int, work: Callable[[TrainableDecoder], T], copy: TrainableDecoder) -> T:
    torch.set_num_threads(threads)  # OpenMP keeps a number for each thread
    return work(copy)


def _sharing(decoder: TrainableDecoder) -> TrainableDecoder:
    """A copy whose weights are the same memory, so that it learns what the decoder learns."""
    copy = deepcopy(decoder)
    for own, shared in zip(copy.parameters(), decoder.parameters(), strict=True):
        own.data = shared.data
    return copy


def _add_gradients(decoder: TrainableDecoder, copy: TrainableDecoder) -> None:
    for own, other in zip(decoder.parameters(), copy.parameters(), strict=True):
        if other.grad is None:
            continue
        if own.grad is None:
            own.grad = torch.zeros_like(own)
        own.grad += other.grad


@contextmanager
def _threads_each(threads: int) -> Iterator[int]:
    """Within the block operations of PyTorch are spread over so many cores only."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)
