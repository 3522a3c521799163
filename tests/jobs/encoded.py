"""One movie encoded once per session by the real worker: a fixture, known to all tests through theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellsam_desktop.jobs.encoder_client import EncoderClient
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.jobs.targets import WorkerConfig
from tests.jobs.helpers import CROP, LONG, EncodedMovie, Recorder, movie_ref, target, write_movie


@pytest.fixture(scope="session")
def encoded_movie(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> EncodedMovie:
    """Made once by the real worker with the real weights."""
    folder = tmp_path_factory.mktemp("encoded")
    movie = write_movie(folder / "movie.tif", 3)
    config = WorkerConfig("vit_t", "cpu", weights.parent, folder / "embeddings", folder / "decoders", 10**9)
    post = PostQueue()
    client = EncoderClient(post, config)
    said = Recorder(client)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLSAM_HOME", str(folder / "home"))
        client.start()
        try:
            client.open_movie(movie_ref(movie))
            client.set_queue([*(target(t) for t in range(3)), target(0, CROP)])
            assert post.wait_for(lambda: len(said.encoded) == 4 and bool(said.decoders), LONG), client.state
        finally:
            client.stop()
    crop = said.keys.pop(target(0, CROP))
    return EncodedMovie(movie, config, said.keys, crop, said.decoders[0])
