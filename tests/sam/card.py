"""A graphics card for the decoder that is imaginary; what it computes is real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from onnxruntime import OrtValue

from cellsam_desktop.sam import decoder, steady_decoder
from cellsam_desktop.sam.providers import CPU, CUDA
from cellsam_desktop.sam.sessions import DecoderSession


@dataclass(frozen=True, eq=False)
class OnCard:
    """A tensor in the memory of the card, of no use to a session on the CPU."""

    value: OrtValue

    def tensor_size_in_bytes(self) -> int:
        return self.value.tensor_size_in_bytes()


class Card(DecoderSession):
    """A session on the card unless only the CPU is wanted.

    The card does not take the graphs in the files ``refuses``, and breaks down at those in ``fails``.
    """

    refuses: set[str]
    fails: set[str]

    def __init__(
        self, onnx: Path, threads: int | None = None, providers: Sequence[str] | None = None
    ) -> None:
        self._name = onnx.name
        self._on_card = providers != [CPU] and onnx.name not in self.refuses
        super().__init__(onnx, threads, [CPU])

    @property
    def provider(self) -> str:
        return CUDA if self._on_card else CPU

    def run(self, names: Sequence[str], inputs: Mapping[str, OrtValue | OnCard]) -> list[OrtValue]:
        if self._on_card and self._name in self.fails:
            raise RuntimeError("CUDA failure 700: an illegal memory access was encountered")
        return super().run(names, {name: self._at_hand(value) for name, value in inputs.items()})

    def run_on_device(self, inputs: Mapping[str, OrtValue | OnCard]) -> dict[str, OrtValue | OnCard]:
        results = self.run(self._outputs, inputs)
        left = map(OnCard, results) if self._on_card else results
        return dict(zip(self._outputs, left, strict=True))

    def _at_hand(self, value: OrtValue | OnCard) -> OrtValue:
        if isinstance(value, OnCard):
            assert self._on_card, "a tensor on the card was given to the CPU"
            return value.value
        return value


def insert_card(monkeypatch: pytest.MonkeyPatch) -> type[Card]:
    """Let decoders find a card that works; it is made to fail by its ``refuses`` and ``fails``."""

    class Inserted(Card):
        refuses: set[str] = set()
        fails: set[str] = set()

    monkeypatch.setattr(decoder, "DecoderSession", Inserted)
    monkeypatch.setattr(steady_decoder, "usable_providers", lambda: [CUDA, CPU])
    return Inserted
