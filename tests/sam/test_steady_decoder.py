from __future__ import annotations

import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_inference_collection import check_and_normalize_provider_args

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.providers import CPU, CUDA, exact
from cellsam_desktop.sam.steady_decoder import open_decoder
from cellsam_desktop.sam.transforms import InputGeometry
from tests.sam.card import Card, insert_card

GRAPHS = ["decoder.onnx", "image.onnx", "hint.onnx"]


@pytest.fixture
def card(monkeypatch) -> type[Card]:
    return insert_card(monkeypatch)


def logits_of(decoder: OnnxDecoder) -> np.ndarray:
    embedding = np.full((256, 64, 64), 0.1, np.float16)
    hint = np.ones((256, 256), np.float32)
    click = Prompts((Point(500, 400),))
    return decoder.decode(embedding, InputGeometry(Region.whole(1024, 1024)), click, hint).tokens[0].logits


def test_a_card_that_works_is_used(exported, card):
    assert open_decoder(exported.onnx, 1).provider == CUDA
    assert open_decoder(exported.onnx, 1, cpu_only=True).provider == CPU


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("trouble", ["refuses", "fails"])
def test_the_processor_serves_where_the_card_cannot(exported, card, decoder, graph, trouble):
    getattr(card, trouble).add(graph)
    opened = open_decoder(exported.onnx, 1)
    assert opened.on_cpu
    assert np.allclose(logits_of(opened), logits_of(decoder), atol=1e-3)


def test_all_graphs_are_on_one_device(exported, card):
    card.refuses.add("hint.onnx")
    assert OnnxDecoder(exported.onnx, 1).provider == CPU


def test_a_file_that_is_no_graph_is_one_sentence(tmp_path, card):
    (tmp_path / "decoder.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_decoder(tmp_path / "decoder.onnx")


def test_cuda_is_asked_for_full_precision_in_words_that_onnx_runtime_knows():
    found = check_and_normalize_provider_args(exact([CUDA, CPU]), None, [CUDA, CPU])
    assert found == ([CUDA, CPU], [{"use_tf32": "0"}, {}])
