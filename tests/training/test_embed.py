from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.errors import Cancelled
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.jobs.worker_movie import WorkerMovie
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.embedding_cache import FILE_BYTES, EmbeddingCache, embedding_key
from tests.jobs.helpers import CROP, EncodedMovie, movie_ref, target
from training.embed import Embeddings
from training.frames import CellTruth, Frame
from training.images import TrainingMovie
from training.views import View, views_of

from .test_views import disc, made_frame


@pytest.fixture
def views(tmp_path: Path) -> list[View]:
    frame = made_frame(tmp_path, [CellTruth(1, disc(30, 40, 10))])
    return views_of([frame], "whole", turns=3)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "embeddings", 40 * FILE_BYTES)


def test_what_the_window_encoded_is_found(encoded_movie: EncodedMovie, weights: Path):
    """Whole frames and a crop that the window's encoder worker has encoded: nothing is encoded again."""
    movie = movie_ref(encoded_movie.movie)
    source = TrainingMovie(encoded_movie.movie, chosen=movie.contrast[0])
    _, _, height, width = source.size()
    cell = CellTruth(1, disc(30, 40, 10))
    frames = [
        Frame("set", "m", str(t), t, 0, (height, width), (cell,), True, None, source, t) for t in range(3)
    ]
    views = [*views_of(frames, "whole"), View(frames[0], CROP)]
    worker = WorkerMovie(movie)
    assert np.array_equal(views[3].image(), worker.image(target(0, CROP)))
    worker.close()
    embeddings = Embeddings(
        weights, "vit_t", "cpu", EmbeddingCache(encoded_movie.config.embeddings_dir, 10**9)
    )
    embeddings.ensure(views)
    assert embeddings.get(views[1]).shape == (256, 64, 64)
    assert embeddings.encodes == 0


def test_each_view_is_encoded_once_and_kept_on_disk(views: list[View], cache: EmbeddingCache, weights: Path):
    told: list[tuple[int, int]] = []
    first = Embeddings(weights, "vit_t", "cpu", cache)
    assert not first.has(views[0])
    first.ensure([*views, *views], lambda done, of: told.append((done, of)))
    assert told[-1] == (3, 3)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert first.encodes == 3
    second = Embeddings(weights, "vit_t", "cpu", cache)
    second.ensure(views)
    assert second.encodes == 0
    for view in views:
        found = second.get(view)
        assert found.dtype == np.float16
        assert not found.flags.writeable
        assert cache.has(embedding_key(view.image(), digest(weights)))
    assert not np.array_equal(second.get(views[0]), second.get(views[1]))


def test_a_known_movie_is_read_once(encoded_movie: EncodedMovie, weights: Path, cache: EmbeddingCache):
    source = TrainingMovie(encoded_movie.movie, chosen=Contrast(0, 1))
    _, _, height, width = source.size()
    cell = CellTruth(1, disc(30, 40, 10))
    frames = [
        Frame("set", "m", str(t), t, 0, (height, width), (cell,), True, None, source, t) for t in range(3)
    ]
    views = views_of(frames, "whole", turns=8)
    for view in views:
        key = embedding_key(view.image(), digest(weights))
        cache.put(key, np.zeros((256, 64, 64), np.float16))
    before = source.last.reads
    embeddings = Embeddings(weights, "vit_t", "cpu", cache)
    embeddings.ensure(views)
    assert embeddings.encodes == 0
    assert source.last.reads - before == 3


def test_what_was_evicted_is_encoded_again(views: list[View], cache: EmbeddingCache, weights: Path):
    embeddings = Embeddings(weights, "vit_t", "cpu", cache)
    before = np.array(embeddings.get(views[0]))
    cache.clear()
    assert np.array_equal(embeddings.get(views[0]), before)
    assert embeddings.encodes == 2


def test_a_cancelled_run_keeps_what_it_has(views: list[View], cache: EmbeddingCache, weights: Path):
    def enough(done: int, _: int) -> None:
        if done == 1:
            raise Cancelled("Training was cancelled.")

    embeddings = Embeddings(weights, "vit_t", "cpu", cache)
    with pytest.raises(Cancelled):
        embeddings.ensure(views, enough)
    assert [embeddings.has(view) for view in views] == [True, False, False]


def test_without_room_on_disk_embeddings_stay_in_memory(views: list[View], tmp_path: Path, weights: Path):
    (tmp_path / "file").touch()
    said: list[str] = []
    cache = EmbeddingCache(tmp_path / "file" / "embeddings", 10**9)
    embeddings = Embeddings(weights, "vit_t", "cpu", cache, notice=said.append)
    embeddings.ensure(views[:2])
    embeddings.release()
    embeddings.ensure(views[:2])
    assert np.array_equal(embeddings.get(views[0]), embeddings.get(views[0]))
    assert embeddings.encodes == 2
    assert len(said) == 1
    assert "stay in memory" in said[0]


def test_too_many_for_the_cache_is_said(views: list[View], tmp_path: Path, weights: Path):
    said: list[str] = []
    small = EmbeddingCache(tmp_path / "small", 2 * FILE_BYTES)
    Embeddings(weights, "vit_t", "cpu", small, notice=said.append).ensure(views)
    assert said == [
        "3 embeddings are wanted and the cache holds 1: "
        "allow it more room in the settings, or training will encode again and again."
    ]


def test_without_a_cache_nothing_is_written(views: list[View], weights: Path, home: Path):
    embeddings = Embeddings(weights, "vit_t", "cpu")
    embeddings.ensure([View(views[0].frame, Region(0, 0, 40, 40))])
    embeddings.get(View(views[0].frame, Region(0, 0, 40, 40)))
    assert embeddings.encodes == 1
    assert not list(home.rglob("*.npy"))
