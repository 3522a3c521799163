"""A whole model in this process goes on when the graphics card does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.sam import steady_encoder
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.sam.encoder import Encoder, open_encoder
from tests.sam.card import insert_card


def test_the_processor_encodes_and_decodes(
    weights: Path, exported: DecoderFiles, monkeypatch: pytest.MonkeyPatch, capsys
):
    def open_one(checkpoint: Path, architecture: str, device: str, threads: int | None) -> Encoder:
        if device != "cpu":
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return open_encoder(checkpoint, architecture, device, threads)

    monkeypatch.setattr(steady_encoder, "open_encoder", open_one)
    insert_card(monkeypatch).fails.add("image.onnx")
    model = HeadlessModel(weights, "vit_t", "cuda", None, decoder=exported.folder)
    embedding = model.embedding(np.zeros((40, 50, 3), np.uint8))
    assert embedding.dtype == np.float16
    assert "so the CPU encodes from now on" in capsys.readouterr().err
    assert model.decoder.on_cpu
