"""Scheduling against a client whose worker is not started: what it is asked for, and what its answers do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.curation.agenda import outward
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.jobs.targets import EncodeTarget, WorkerState


def queue(desk) -> list[PlaneIndex]:
    return [target.index for target in desk.session.jobs.encoder._queue]


def frames(desk) -> list[int]:
    return [index.t for index in queue(desk)]


def encode(desk, *ts: int, c: int = 0, z: int = 0) -> None:
    region = desk.session.movie.frame_region
    for t in ts:
        index = PlaneIndex(t, c, z)
        desk.session.jobs.encoder.encoded.emit(EncodeTarget(index, region), f"key-{t}-{c}-{z}")


def say(desk, state: WorkerState) -> None:
    desk.session.jobs.encoder.state_changed.emit(state)


@pytest.mark.parametrize(
    ("t", "direction", "expected"),
    [
        (3, 1, [3, 4, 5, 2, 6, 7, 1, 8, 9, 0]),
        (3, -1, [3, 2, 1, 4, 0, 5, 6, 7, 8, 9]),
        (0, 1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (9, 1, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_outward_is_every_frame_once_nearest_first(t, direction, expected):
    assert outward(t, 10, direction).tolist() == expected


def test_the_frame_on_screen_is_encoded_first_then_the_direction_of_play(desk, movie_file):
    desk.open(movie_file)
    assert frames(desk) == [0, 1, 2, 3, 4, 5]
    desk.session.navigation.go_to(3)
    assert frames(desk) == [3, 4, 5, 2, 1, 0]
    desk.session.navigation.step(-1)
    assert frames(desk) == [2, 1, 0, 3, 4, 5]
    assert desk.session.jobs.encoder._queue[0].region == Region.whole(48, 64)


def test_only_the_channel_and_z_on_screen_are_encoded(desk, movie_writer, tmp_path):
    desk.open(movie_writer(tmp_path / "movie.tif", frames=2, channels=2, depth=3))
    encode(desk, 0, 1)
    desk.session.navigation.set_channel(1)
    desk.session.navigation.set_z(2)
    assert queue(desk) == [PlaneIndex(0, 1, 2), PlaneIndex(1, 1, 2)]
    assert desk.session.encoding.encoded_frames == frozenset()
    desk.session.navigation.show(c=0, z=0)
    assert desk.session.encoding.encoded_frames == {0, 1}


def test_keys_follow_the_frame_on_screen(desk, movie_file):
    desk.open(movie_file)
    encoding = desk.session.encoding
    assert encoding.current_key is None
    encode(desk, 0, 2)
    assert encoding.current_key == encoding.key(PlaneIndex(0), Region.whole(48, 64)) == "key-0-0-0"
    desk.session.navigation.go_to(1)
    assert encoding.current_key is None
    assert encoding.encoded_frames == {0, 2}


def test_a_settled_contrast_encodes_anew_and_a_tried_one_does_not(desk, movie_file):
    desk.open(movie_file)
    encode(desk, 0, 1)
    desk.session.navigation.set_contrast(Contrast(1, 200), final=False)
    assert desk.session.encoding.encoded_frames == {0, 1}
    desk.session.navigation.set_contrast(Contrast(1, 300), final=True)
    assert desk.session.encoding.encoded_frames == frozenset()
    assert desk.session.jobs.encoder._movie.contrast == (Contrast(1, 300),)
    assert frames(desk) == [0, 1, 2, 3, 4, 5]


def test_the_message_says_why_a_click_must_wait(desk, movie_file):
    encoding = desk.session.encoding
    assert encoding.message == ""
    desk.open(movie_file)
    assert encoding.message == "The encoder is not running."
    say(desk, WorkerState("starting"))
    assert encoding.message == "The encoder is starting ..."
    say(desk, WorkerState("loading"))
    assert encoding.message == "The model is being loaded ..."
    say(desk, WorkerState("encoding", "cpu"))
    desk.session.navigation.go_to(2)
    assert encoding.message == "Encoding frame 3 ..."
    encode(desk, 2)
    assert encoding.message == "Preparing the decoder ..."
    say(desk, WorkerState("broken", message="PyTorch does not start: run `cellsam-desktop doctor`."))
    desk.session.navigation.go_to(0)
    assert encoding.message == (
        "PyTorch does not start: run `cellsam-desktop doctor`. "
        "Showing, editing, saving and exporting still work."
    )


def test_a_frame_that_cannot_be_encoded_is_left_out_with_its_reason(desk, movie_file):
    desk.open(movie_file)
    target = EncodeTarget(PlaneIndex(1), desk.session.movie.frame_region)
    desk.session.jobs.encoder.failed.emit(target, "It is damaged.")
    desk.session.navigation.go_to(1)
    assert dict(desk.session.encoding.failed_frames) == {1: "It is damaged."}
    assert desk.session.encoding.message == "Frame 2 could not be encoded: It is damaged."
    encode(desk, 1)  # it was tried again, being the frame on screen
    assert dict(desk.session.encoding.failed_frames) == {}


def test_another_model_begins_anew(desk, movie_file):
    desk.open(movie_file)
    encode(desk, 0)
    desk.session.encoding.set_model("vit_b")
    assert desk.session.encoding.model == desk.settings.model == "vit_b"
    assert desk.session.encoding.encoded_frames == frozenset()
    assert frames(desk)[0] == 0


def test_an_evicted_embedding_is_made_again(desk, movie_file):
    desk.open(movie_file)
    encode(desk, 0, 1)
    desk.session.jobs.decoder.missing.emit("key-1-0-0")
    assert desk.session.encoding.encoded_frames == {0}
    assert 1 in frames(desk)


def test_a_long_movie_is_ordered_in_small_queues(desk, tmp_path):
    file = tmp_path / "long.tif"
    tifffile.imwrite(file, np.zeros((2000, 8, 8), np.uint8), metadata={"axes": "TYX"}, imagej=True)
    desk.open(file)
    desk.session.navigation.go_to(1000)
    order = outward(1000, 2000, 1)[:200].tolist()
    assert frames(desk) == order[: len(frames(desk))]
    assert len(frames(desk)) < 50
    for t in order:
        assert t in frames(desk)
        encode(desk, t)

    encode(desk, *range(1999))
    for t in range(100):
        desk.session.navigation.go_to(t)
        assert len(queue(desk)) < 50


def test_never_more_than_the_cache_holds(desk, movie_file):
    desk.session.jobs.cache.limit_bytes = int(3.5 * 2**21)
    desk.open(movie_file)
    assert desk.session.jobs.cache.capacity == 3
    assert frames(desk) == [0, 1, 2]
    encode(desk, 0, 1, 2)
    assert frames(desk) == [0, 1, 2]


def test_the_decoder_is_loaded_when_the_worker_has_one(desk, movie_file, tmp_path):
    desk.open(movie_file)
    encode(desk, 0)
    broken = tmp_path / "decoder.onnx"
    broken.write_bytes(b"no decoder")
    desk.session.jobs.encoder.decoder_ready.emit(Path(broken))
    assert desk.session.encoding.decoder_path == broken
    assert desk.session.encoding.message == ""
    desk.wait(lambda: bool(desk.errors))
    assert "decoder.onnx" in desk.errors[0]
