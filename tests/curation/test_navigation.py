from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.images.opening import open_source


@pytest.fixture
def shown(desk):
    """Every plane announced, with the pixels at that moment."""
    planes = []
    navigation = desk.session.navigation
    navigation.plane_changed.connect(lambda: planes.append((navigation.plane_index, navigation.plane)))
    return planes


def test_steps_stop_at_the_ends(desk, movie_writer, tmp_path):
    desk.open(movie_writer(tmp_path / "movie.tif", frames=3, channels=2, depth=4))
    navigation, view = desk.session.navigation, desk.session.view
    navigation.step(10)
    assert view.index == PlaneIndex(2)
    navigation.step(-1)
    navigation.step_z(-1)
    assert view.index == PlaneIndex(1)
    navigation.step_z(9)
    navigation.set_channel(5)
    assert view.index == PlaneIndex(1, 1, 3)
    navigation.go_to(-4)
    navigation.set_z(1)
    assert view.index == PlaneIndex(0, 1, 1)


def test_the_direction_of_play_follows_the_movement(desk, movie_file):
    desk.open(movie_file)
    desk.session.navigation.go_to(4)
    assert desk.session.view.play_direction == 1
    desk.session.navigation.step(-1)
    assert desk.session.view.play_direction == -1
    desk.session.navigation.set_channel(0)
    assert desk.session.view.play_direction == -1


def test_only_the_plane_on_screen_is_announced(desk, shown, movie_file):
    desk.open(movie_file)
    desk.settle()
    shown.clear()
    wanted = []
    desk.session.navigation.plane_changed.connect(lambda: wanted.append(desk.session.view.index))
    for _ in range(4):
        desk.session.navigation.step(1)
    desk.settle()
    assert shown[-1][0] == PlaneIndex(4)
    assert [index for index, _ in shown] == wanted
    with open_source(movie_file) as source:
        np.testing.assert_array_equal(shown[-1][1], source.read_plane(PlaneIndex(4)))


def test_a_plane_read_ahead_is_shown_at_once(desk, shown, movie_file):
    desk.open(movie_file)
    desk.settle()
    planes = desk.session.jobs.planes
    desk.wait(lambda: planes.cached(PlaneIndex(1)) is not None)
    shown.clear()
    desk.session.navigation.step(1)
    assert [index for index, _ in shown] == [PlaneIndex(1)]
    desk.settle()
    desk.post.pump()
    assert len(shown) == 1


def test_planes_of_the_movie_before_are_never_shown(desk, movie_file, movie_writer, tmp_path):
    other = movie_writer(tmp_path / "other.tif", seed=2)
    desk.open(movie_file)
    desk.settle()
    desk.open(other)
    desk.settle()
    with open_source(other) as source:
        np.testing.assert_array_equal(desk.session.navigation.plane, source.read_plane(PlaneIndex()))


def test_a_damaged_frame_is_one_notice_and_no_picture(desk, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for t in range(3):
        tifffile.imwrite(folder / f"img_{t:03d}.tif", np.full((20, 30), t, np.uint8))
    desk.open(folder)
    desk.settle()
    (folder / "img_002.tif").write_bytes(b"damaged")
    desk.session.jobs.planes.open(desk.session.movie.source)  # forgets what was read ahead
    desk.session.navigation.go_to(2)
    desk.wait(lambda: bool(desk.errors))
    assert "img_002.tif" in desk.errors[0]
    assert desk.session.navigation.plane is None
    desk.session.navigation.go_to(1)
    desk.settle()
    assert desk.session.navigation.plane is not None
    assert len(desk.notices) == 1


def test_playing_shows_every_frame_and_stops_at_the_end(desk, shown, movie_file):
    desk.open(movie_file)
    desk.settle()
    shown.clear()
    navigation = desk.session.navigation
    states = []
    navigation.playing_changed.connect(states.append)
    navigation.play(10)
    now = 100.0
    while navigation.playing:
        now += 0.02
        desk.session.tick(now)
        desk.settle()
    assert [index.t for index, _ in shown] == [1, 2, 3, 4, 5]
    assert states == [True, False]
    assert now == pytest.approx(100.02 + 6 * 0.1, abs=0.05)
    navigation.toggle_play()
    assert desk.session.view.t == 0


def test_playing_waits_for_a_frame_that_is_not_there_yet(desk, movie_file):
    desk.open(movie_file)
    desk.settle()
    desk.session.jobs.planes.open(desk.session.movie.source)  # forgets what was read ahead
    desk.session.jobs.planes.stop()
    navigation = desk.session.navigation
    navigation.play(10)
    for now in range(10):
        navigation.tick(float(now))
    assert desk.session.view.t == 1


def test_contrast_is_tried_and_then_settled(desk, movie_file):
    desk.open(movie_file)
    settled = []
    desk.session.navigation.contrast_settled.connect(settled.append)
    measured = desk.session.navigation.contrast
    desk.session.navigation.set_contrast(Contrast(1, 2), final=False)
    assert settled == []
    desk.session.navigation.set_contrast(Contrast(1, 3), final=True)
    desk.session.navigation.auto_contrast()
    assert settled == [0, 0]
    assert desk.session.navigation.contrast == measured
