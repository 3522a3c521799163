"""What the worker's model thread finds out, and what it says: real weights, real encoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from cellsam_desktop.jobs import worker_model
from cellsam_desktop.jobs.leisure import Leisure
from cellsam_desktop.jobs.protocol import Configure
from cellsam_desktop.jobs.worker_model import (
    DecoderFound,
    EncoderLoaded,
    LoadingFailed,
    ModelEvent,
    WeightsKnown,
    encoder_threads,
    load_model,
)
from cellsam_desktop.sam import encoder_trial
from cellsam_desktop.sam.encoder_choice import Choices, Comparison

PYTORCH = Comparison(pytorch_s=1.0, onnxruntime_s=2.0, difference=1e-6)


@pytest.fixture
def leisure(monkeypatch) -> Iterator[Leisure]:
    """There is nothing else to do."""
    monkeypatch.setattr(worker_model, "QUIET_S", 0.0)
    threads = torch.get_num_threads()
    leisure = Leisure()
    leisure.begin()
    yield leisure
    torch.set_num_threads(threads)  # PyTorch's encoder set them for the whole process


@pytest.fixture
def load(encoded_movie, leisure):
    """Loads the model on the CPU; gives what was said."""

    def load() -> list[ModelEvent]:
        said: list[ModelEvent] = []
        load_model(Configure(1, replace(encoded_movie.config, device="cpu")), said.append, leisure)
        return said

    return load


def test_encoders_are_compared_at_leisure_and_the_quicker_one_takes_over(load, monkeypatch):
    monkeypatch.setattr(encoder_trial, "compare", lambda ours, theirs, wait: PYTORCH)
    said = load()
    assert [type(event) for event in said] == [WeightsKnown, DecoderFound, EncoderLoaded, EncoderLoaded]
    assert [event.encoder.backend for event in said[2:]] == ["onnxruntime", "pytorch"]
    assert Choices().find("vit_t", encoder_threads()) == PYTORCH
    said = load()
    assert [event.encoder.backend for event in said[2:]] == ["pytorch"]


def test_encoders_are_compared_once(load, monkeypatch):
    Choices().remember("vit_t", encoder_threads(), replace(PYTORCH, pytorch_s=9.0))
    monkeypatch.setattr(encoder_trial, "compare", pytest.fail)
    assert [type(event) for event in load()] == [WeightsKnown, DecoderFound, EncoderLoaded]


def test_a_comparison_that_fails_changes_nothing(load, monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise MemoryError("too little of it")

    monkeypatch.setattr(encoder_trial, "compare", fail)
    said = load()
    assert not any(isinstance(event, LoadingFailed) for event in said)
    assert "could not be compared" in caplog.text
    assert Choices().find("vit_t", encoder_threads()) is None


def test_a_comparison_nobody_waits_for_is_not_begun(load, leisure, monkeypatch):
    monkeypatch.setattr(encoder_trial, "compare", pytest.fail)
    leisure.close()
    assert [type(event) for event in load()] == [WeightsKnown, DecoderFound, EncoderLoaded]
