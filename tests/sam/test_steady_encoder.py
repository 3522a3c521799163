"""The graphics card is imaginary here, the encoder on the CPU is real."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam import steady_encoder
from cellsam_desktop.sam.encoder import Encoder, open_encoder
from cellsam_desktop.sam.onnx_encoder import OnnxEncoder
from cellsam_desktop.sam.steady_encoder import SteadyEncoder

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
FALLEN_BACK = "The graphics card has too little memory, so the CPU encodes from now on, more slowly."


class Card:
    """A device that raises its troubles one after the other, None for a computation that works.

    ``in_use`` counts what takes up its memory.
    """

    def __init__(self, *troubles: Exception | None) -> None:
        self.troubles = list(troubles)
        self.used = 0
        self.held: list[weakref.ref[object]] = []

    @property
    def in_use(self) -> int:
        return sum(held() is not None for held in self.held)

    def hold(self, thing: object) -> None:
        self.held.append(weakref.ref(thing))

    def use(self) -> None:
        self.used += 1
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble


class OnCard:
    """What a card computes is computed here as well, if it works."""

    device = "cuda"
    backend = "pytorch"
    batch = 2

    def __init__(self, encoder: Encoder, card: Card) -> None:
        card.hold(self)
        card.use()
        self.encoder = encoder
        self.card = card

    def encode(self, image):
        computed = image + 1
        self.card.hold(computed)
        self.card.use()
        return self.encoder.encode(image)

    def encode_many(self, images):
        self.card.use()
        return self.encoder.encode_many(images)


@pytest.fixture(scope="session")
def on_cpu(weights) -> Encoder:
    return open_encoder(weights, "vit_t", "cpu")


@pytest.fixture
def make(weights, on_cpu, monkeypatch):
    """Makes an encoder on a card; gives it with the remarks it makes."""

    def make(card: Card) -> tuple[SteadyEncoder, list[str]]:
        def open_one(checkpoint, architecture, device, threads):
            return OnCard(on_cpu, card) if device == "cuda" else on_cpu

        monkeypatch.setattr(steady_encoder, "open_encoder", open_one)
        remarks: list[str] = []
        return SteadyEncoder(weights, "vit_t", "cuda", 2, remarks.append), remarks

    return make


def test_one_shortage_of_memory_is_tried_again_on_the_card(make):
    card = Card(None, OUT_OF_MEMORY)
    encoder, remarks = make(card)
    embedding = encoder.encode(IMAGE)
    assert embedding.dtype == np.float16
    assert embedding.shape == (256, 64, 64)
    assert (encoder.device, remarks, card.used) == ("cuda", [], 3)


def test_two_in_a_row_send_it_to_the_cpu_which_is_said_once(make):
    card = Card(None, OUT_OF_MEMORY, OUT_OF_MEMORY)
    encoder, remarks = make(card)
    encoder.encode(IMAGE)
    encoder.encode(IMAGE)
    assert (encoder.device, remarks, card.used) == ("cpu", [FALLEN_BACK], 3)


def test_the_encoders_own_sentence_about_memory_counts_as_well(make):
    error = ModelError("The memory of cuda does not suffice.")
    error.__cause__ = OUT_OF_MEMORY
    encoder, remarks = make(Card(None, error, error))
    encoder.encode(IMAGE)
    assert (encoder.device, remarks) == ("cpu", [FALLEN_BACK])


def test_a_card_full_from_the_start_sends_it_to_the_cpu(make):
    encoder, remarks = make(Card(OUT_OF_MEMORY))
    assert (encoder.device, remarks) == ("cpu", [FALLEN_BACK])


def test_another_fault_of_the_card_sends_it_to_the_cpu(make):
    fault = RuntimeError("CUDA error: an illegal memory access was encountered")
    encoder, remarks = make(Card(None, fault, fault))
    encoder.encode(IMAGE)
    assert remarks == ["The graphics card failed, so the CPU encodes from now on, more slowly."]


def watched(card: Card, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is in use of the card each time that its unused memory is released."""
    in_use: list[int] = []
    monkeypatch.setattr(steady_encoder, "_empty_caches", lambda: in_use.append(card.in_use))
    return in_use


def test_a_card_given_up_keeps_none_of_its_memory(make, monkeypatch):
    card = Card(None, OUT_OF_MEMORY, OUT_OF_MEMORY)
    in_use = watched(card, monkeypatch)
    encoder, _ = make(card)
    encoder.encode(IMAGE)
    assert encoder.device == "cpu"
    assert in_use == [1, 0]  # before the second attempt there is the encoder alone


def test_a_card_full_from_the_start_keeps_none_of_its_memory(make, monkeypatch):
    card = Card(OUT_OF_MEMORY)
    in_use = watched(card, monkeypatch)
    make(card)
    assert in_use == [0]


def test_several_images_together(make):
    card = Card()
    encoder, remarks = make(card)
    assert encoder.batch == 2
    both = encoder.encode_many([IMAGE, IMAGE[::-1]])
    assert np.array_equal(both[0], encoder.encode(IMAGE))
    assert np.array_equal(both[1], encoder.encode(IMAGE[::-1]))
    assert (encoder.device, remarks, card.used) == ("cuda", [], 4)


def test_too_many_images_together_are_encoded_one_by_one(make):
    card = Card(None, OUT_OF_MEMORY)
    encoder, remarks = make(card)
    both = encoder.encode_many([IMAGE, IMAGE[::-1]])
    assert np.array_equal(both[0], encoder.encode(IMAGE))
    assert (encoder.device, remarks, card.used) == ("cuda", [], 5)


def test_numbers_that_are_none_are_refused(weights, monkeypatch):
    encoder = SteadyEncoder(weights, "vit_t", "cpu", 2, pytest.fail)
    assert encoder.backend == "onnxruntime"
    monkeypatch.setattr(OnnxEncoder, "encode", lambda self, image: np.full((256, 64, 64), np.inf, np.float32))
    with pytest.raises(ModelError, match="no usable numbers"):
        encoder.encode(IMAGE)
