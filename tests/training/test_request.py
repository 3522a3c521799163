"""What a run was asked to do."""

from __future__ import annotations

import pytest
import torch

from cellsam_desktop.core.devices import EXACT_CUDA
from cellsam_desktop.core.errors import ModelError
from training.request import chosen_device


@pytest.mark.parametrize("wanted", ["cuda", EXACT_CUDA])
def test_a_card_that_is_not_there_is_one_sentence(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match=r"finds no CUDA device .* leave out --device"):
        chosen_device(wanted)


@pytest.mark.parametrize(
    ("card", "chosen"),
    [
        (True, {"auto": "cuda", "cpu": "cpu", "cuda": "cuda", EXACT_CUDA: EXACT_CUDA, "mps": "mps"}),
        (False, {"auto": "cpu", "cpu": "cpu", "mps": "mps"}),
    ],
)
def test_what_is_there_is_chosen(card: bool, chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: card)
    assert {wanted: chosen_device(wanted) for wanted in chosen} == chosen
