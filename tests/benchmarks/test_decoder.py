"""Both sides of a ratio of decoders are computed by the same device."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import decoder
from benchmarks.click_window import Alone
from cellsam_desktop.sam.export import ensure_decoder
from cellsam_desktop.sam.providers import CPU, CUDA
from tests.sam.card import insert_card


def test_beside_the_official_export_ours_is_on_the_processor(weights: Path, tmp_path, monkeypatch):
    insert_card(monkeypatch)
    monkeypatch.setattr(decoder, "OfficialExport", lambda *_, **__: None)
    assert decoder.Comparison(weights, 1, tmp_path, None).decoder.on_cpu


@pytest.mark.parametrize("provider", [CPU, CUDA])
def test_beside_the_window_the_decoder_is_where_the_windows_own_is(
    weights: Path, tmp_path, monkeypatch, provider: str
):
    files = ensure_decoder(weights, "vit_t", tmp_path)
    insert_card(monkeypatch)
    session = SimpleNamespace(
        encoding=SimpleNamespace(decoder_path=files.onnx),
        jobs=SimpleNamespace(decoder=SimpleNamespace(provider=provider)),
    )
    probe: Any = SimpleNamespace(session=session, wait=lambda condition, what: condition())
    assert Alone(probe).decoder.provider == provider
