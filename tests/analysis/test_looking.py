"""Real weights: what is asked where, and what comes first."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.analysis.knowledge import CellFacts, Knowledge
from cellsam_desktop.analysis.looking import Look, propose
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.jobs.prepared_looks import AnswerMemory
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.transforms import InputGeometry
from tests.jobs.helpers import CELL, RADIUS, WHOLE, EncodedMovie, target

CLICK = Prompts((Point(*CELL),))


@pytest.fixture
def decoder(encoded_movie: EncodedMovie) -> AnswerMemory:
    return AnswerMemory(OnnxDecoder(encoded_movie.decoder))


@pytest.fixture
def looks(encoded_movie: EncodedMovie, decoder: AnswerMemory) -> list[Look]:
    """Two looks at the same place."""
    cache = EmbeddingCache(encoded_movie.config.embeddings_dir, 10**9)
    embeddings = [np.array(cache.get(encoded_movie.keys[target(t)])) for t in (0, 1)]
    return [(embedding, InputGeometry(WHOLE)) for embedding in embeddings]


def discs(radius: float) -> Knowledge:
    """Some round cells were accepted."""
    return Knowledge([CellFacts(round(math.pi * radius**2), 2 * radius, 1.0)] * 5)


def test_the_cell_of_the_expected_size_comes_first_and_nothing_more_is_asked(decoder, looks):
    options = propose(decoder, looks, CLICK, knowledge=discs(RADIUS))
    assert options[0].mask.area == pytest.approx(math.pi * RADIUS**2, rel=0.15)
    assert decoder.decodes == len(looks)
    assert not any(option.boxed for option in options)


def test_where_nothing_has_the_expected_size_every_look_is_told_it(decoder, looks):
    knowledge = discs(3 * RADIUS)
    quick = propose(decoder, looks, CLICK, knowledge=knowledge, insist=False)
    assert decoder.decodes == len(looks)
    assert not any(option.boxed for option in quick)
    insisting = propose(decoder, looks, CLICK, knowledge=knowledge)
    assert decoder.decodes == 2 * len(looks)
    best = {mask.score for mask in quick}
    assert insisting[0].score >= max(best)


def test_a_trained_decoder_is_not_told_the_expected_size(encoded_movie, looks, tmp_path):
    trained = DecoderFiles(Path(shutil.copytree(encoded_movie.decoder.parent, tmp_path / "trained")))
    trained.weights.write_bytes(b"those of the model's own, as it happens")
    decoder = AnswerMemory(OnnxDecoder(trained.onnx))
    options = propose(decoder, looks, CLICK, knowledge=discs(3 * RADIUS))
    assert all(option.trained and not option.boxed for option in options)
    assert decoder.decodes == len(looks)


def test_nothing_is_expected_where_nothing_was_accepted(decoder, looks):
    options = propose(decoder, looks, CLICK)
    assert (len(options), decoder.decodes) == (3, len(looks))
