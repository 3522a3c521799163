from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.source import ImageSource, MovieInfo, Sizes
from cellsam_desktop.images.source import PlaneReader as BaseSource
from cellsam_desktop.jobs.plane_reader import PlaneReader
from cellsam_desktop.jobs.post import PostQueue
from tests.jobs.helpers import HEIGHT, WIDTH, write_movie


class GatedSource(BaseSource):
    """Planes of 100 x 100 uint8 filled with t; each read waits for a permit; t = 90 and 91 cannot be read."""

    def __init__(self) -> None:
        super().__init__(MovieInfo(Path("gated.tif"), "test", Sizes(t=100, y=100, x=100), np.dtype(np.uint8)))
        self.permits = threading.Semaphore(0)
        self.begun: list[int] = []

    def _read(self, index: PlaneIndex) -> np.ndarray:
        self.begun.append(index.t)
        self.permits.acquire()
        if index.t == 90:
            raise ImageError("Frame 91 of gated.tif is damaged.")
        if index.t == 91:
            raise RuntimeError("codec")
        return np.full((100, 100), index.t, np.uint8)

    def _release(self) -> None:
        pass


class Heard:
    def __init__(self, reader: PlaneReader) -> None:
        self.planes: list[int] = []
        self.failed: list[tuple[int, str]] = []
        reader.plane_ready.connect(self._on_plane)
        reader.failed.connect(lambda index, sentence: self.failed.append((index.t, sentence)))

    def _on_plane(self, index: PlaneIndex, plane: np.ndarray) -> None:
        assert (plane == index.t).all() or plane.shape == (HEIGHT, WIDTH)
        self.planes.append(index.t)


@pytest.fixture
def reader(post: PostQueue) -> Iterator[PlaneReader]:
    reader = PlaneReader(post, limit_bytes=35_000)
    yield reader
    reader.stop()


@pytest.fixture
def source() -> Iterator[GatedSource]:
    source = GatedSource()
    yield source
    source.permits.release(1000)


def test_reads_a_real_movie(post, tmp_path):
    reader = PlaneReader(post)
    heard = Heard(reader)
    with open_source(write_movie(tmp_path / "movie.tif", 3)) as movie:
        reader.open(movie)
        reader.request(PlaneIndex(1), prefetch=[PlaneIndex(2)])
        assert post.wait_for(lambda: heard.planes == [1], 5)
        assert post.wait_for(lambda: reader.cached(PlaneIndex(2)) is not None, 5)
        plane = reader.cached(PlaneIndex(1))
        assert plane is not None
        assert not plane.flags.writeable
        np.testing.assert_array_equal(plane, movie.read_plane(PlaneIndex(1)))
        reader.open(None)
    assert reader.cached(PlaneIndex(1)) is None
    assert heard.planes == [1]
    reader.stop()


def test_the_newest_request_replaces_those_not_begun(post, reader, source):
    heard = Heard(reader)
    reader.open(source)
    reader.request(PlaneIndex(0))
    assert post.wait_for(lambda: source.begun == [0], 5)
    for t in range(1, 10):
        reader.request(PlaneIndex(t))
    source.permits.release(100)
    assert post.wait_for(lambda: 9 in heard.planes, 5)
    assert source.begun == [0, 9]
    assert heard.planes == [0, 9]


def test_a_request_interrupts_prefetching(post, reader, source):
    heard = Heard(reader)
    reader.open(source)
    reader.request(PlaneIndex(0), prefetch=[PlaneIndex(t) for t in range(1, 50)])
    source.permits.release(2)
    assert post.wait_for(lambda: source.begun == [0, 1, 2], 5)
    reader.request(PlaneIndex(60))
    source.permits.release(100)
    assert post.wait_for(lambda: 60 in heard.planes, 5)
    assert source.begun == [0, 1, 2, 60]
    assert heard.planes == [0, 60]


def test_what_is_in_memory_is_not_read_again_and_the_oldest_planes_make_room(post, reader, source):
    heard = Heard(reader)
    source.permits.release(1000)
    reader.open(source)
    for t in (0, 1, 0, 2, 3):  # three planes of 10,000 bytes fit
        reader.request(PlaneIndex(t))
        assert post.wait_for(lambda t=t: bool(heard.planes) and heard.planes[-1] == t, 5)
    assert source.begun == [0, 1, 2, 3]
    assert reader.reads == 4
    assert reader.cached(PlaneIndex(0)) is not None
    assert reader.cached(PlaneIndex(1)) is None


def test_no_more_is_read_ahead_than_fits_beside_the_plane_asked_for(post, reader, source):
    heard = Heard(reader)
    source.permits.release(100)
    reader.open(source)
    reader.request(PlaneIndex(10), prefetch=[PlaneIndex(t) for t in (11, 9, 12, 13, 14)])
    assert post.wait_for(lambda: len(source.begun) == 3, 5)  # three planes of 10,000 bytes fit
    reader.request(PlaneIndex(20), prefetch=[PlaneIndex(t) for t in (21, 19, 22)])
    assert post.wait_for(lambda: len(source.begun) == 6, 5)
    assert not post.wait_for(lambda: len(source.begun) > 6, 0.2)
    assert source.begun == [10, 11, 9, 20, 21, 19]
    assert heard.planes == [10, 20]
    assert reader.cached(PlaneIndex(20)) is not None


def test_a_plane_larger_than_the_limit_is_still_delivered(post, source):
    reader = PlaneReader(post, limit_bytes=1)
    heard = Heard(reader)
    source.permits.release(1000)
    reader.open(source)
    reader.request(PlaneIndex(4), prefetch=[PlaneIndex(5)])
    assert post.wait_for(lambda: heard.planes == [4], 5)
    reader.stop()


def test_an_error_is_one_sentence_and_the_reader_lives_on(post, reader, source, caplog):
    heard = Heard(reader)
    source.permits.release(1000)
    reader.open(source)
    reader.request(PlaneIndex(90))
    assert post.wait_for(lambda: len(heard.failed) == 1, 5)
    reader.request(PlaneIndex(91))
    assert post.wait_for(lambda: len(heard.failed) == 2, 5)
    reader.request(PlaneIndex(100))
    assert post.wait_for(lambda: len(heard.failed) == 3, 5)
    reader.request(PlaneIndex(5), prefetch=[PlaneIndex(90), PlaneIndex(6)])
    assert post.wait_for(lambda: reader.cached(PlaneIndex(6)) is not None and heard.planes == [5], 5)
    assert heard.failed[0] == (90, "Frame 91 of gated.tif is damaged.")
    assert heard.failed[1] == (91, "Frame 92 of gated.tif cannot be read (codec).")
    assert "100 frames" in heard.failed[2][1]


def test_planes_of_the_movie_before_are_not_delivered(post, reader, source):
    heard = Heard(reader)
    reader.open(source)
    reader.request(PlaneIndex(0))
    assert post.wait_for(lambda: source.begun == [0], 5)
    other: ImageSource = GatedSource()
    reader.open(other)
    source.permits.release(100)
    other.permits.release(100)
    reader.request(PlaneIndex(7))
    assert post.wait_for(lambda: heard.planes == [7], 5)
    assert reader.cached(PlaneIndex(0)) is None


def test_nothing_is_delivered_after_stop(post, source):
    reader = PlaneReader(post)
    heard = Heard(reader)
    source.permits.release(100)
    reader.open(source)
    reader.request(PlaneIndex(0))
    reader.stop()
    post.pump()
    assert heard.planes == []
