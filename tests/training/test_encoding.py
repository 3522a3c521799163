from dataclasses import replace

import pytest

from tests.training.small import frames
from training.encoding import by_lot, encode_in_time
from training.views import views_of


class Encoded(list):
    """Stands in for embeddings: what was asked for."""

    def ensure(self, views, progress):
        self.extend(views)
        progress(len(views), len(views))


@pytest.fixture
def views(tmp_path):
    """Twenty frames, each straight, closer and turned."""
    (frame,) = frames(tmp_path, 1)
    straight = views_of([replace(frame, t=t) for t in range(20)], "whole")
    closer = [replace(view, closer=True) for view in straight]
    return [replace(view, turn=turn) for turn in (0, 2) for view in straight + closer]


def encode(order, minutes):
    encoded, told, notices = Encoded(), [], []
    count = encode_in_time(order, encoded, minutes, lambda *how_far: told.append(how_far), notices.append)
    assert encoded == order[:count]
    assert told[-1][0] <= told[-1][1]
    return count, notices


def test_everything_is_encoded_when_there_is_time(views):
    order = by_lot(views, 1)
    assert set(order) == set(views)
    assert encode(order, None) == (80, [])
    assert encode(order, 60) == (80, [])


def test_frames_are_left_out_by_lot_when_there_is_none(views):
    order = by_lot(views, 1)
    count, notices = encode(order, 1e-9)
    assert count == 16
    assert all(not view.closer and view.turn == 0 for view in order[:20])
    assert {view.frame for view in order[:16]} != {view.frame for view in views[:16]}
    assert "4 of 20 images" in notices[0]
    assert by_lot(views, 1) == order != by_lot(views, 2)


def test_closer_and_turned_planes_take_turns_after_the_first(views):
    others = by_lot(views, 1)[20:]
    assert [view.closer for view in others[:4]] == [True, False, True, False]
    assert [view.turn for view in others[:4]] == [0, 2, 0, 2]
