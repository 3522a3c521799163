"""What the encoder sees of a movie, and how often the file is read for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.jobs.worker_movie import WorkerMovie
from tests.jobs.helpers import CROP, HEIGHT, WHOLE, WIDTH, movie_ref, target, write_movie


@pytest.fixture
def movie(tmp_path: Path) -> Iterator[WorkerMovie]:
    movie = WorkerMovie(movie_ref(write_movie(tmp_path / "movie.tif", 3)))
    yield movie
    movie.close()


def test_a_crop_is_cut_from_the_whole(movie: WorkerMovie) -> None:
    whole = movie.image(target(1))
    assert whole.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(movie.image(target(1, CROP)), whole[CROP.slices])


def test_several_looks_at_a_plane_read_it_once(movie: WorkerMovie) -> None:
    for t, region in ((0, WHOLE), (0, CROP), (1, WHOLE), (1, CROP), (0, CROP)):
        movie.image(target(t, region))
    assert movie.reads == 3


def test_a_look_beyond_the_plane_is_refused(movie: WorkerMovie) -> None:
    with pytest.raises(ImageError, match="reaches beyond"):
        movie.image(target(0, Region(0, 0, HEIGHT + 1, WIDTH)))
