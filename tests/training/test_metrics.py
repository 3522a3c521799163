import numpy as np
import pytest

from cellsam_desktop.core.mask import Mask
from training.metrics import CellKey, Course, Judgement, clearly_worse, clicks_to, dice_of, iou


def square(y0, x0, side):
    return Mask(y0, x0, np.ones((side, side), bool))


def course(cell, ious, kind="point", data_set="a", t=0):
    return Course(CellKey(data_set, "movie", t, 0, cell), kind, tuple(ious))


def test_iou_leaves_out_what_nobody_judged():
    truth, found = square(0, 0, 4), square(0, 0, 8)
    assert iou(found, truth) == 0.25
    assert iou(found, truth, square(0, 0, 8)) == 1.0
    assert iou(found, truth, square(4, 4, 4)) == 16 / 48
    assert iou(None, truth) == 0.0
    assert iou(square(20, 20, 3), truth, square(20, 20, 3)) == 0.0


def test_dice_follows_from_iou():
    truth, found = square(0, 0, 4), square(0, 2, 4)
    dice = 2 * truth.overlap(found) / (truth.area + found.area)
    assert dice_of(np.array([iou(found, truth)])) == pytest.approx([dice])


def test_clicks_are_counted_up_to_the_goal_or_to_the_last():
    assert clicks_to((0.5, 0.82, 0.7), 0.8) == (2, True)
    assert clicks_to((0.5, 0.7), 0.8) == (2, False)


def test_each_cell_is_written_down():
    data = course(7, [0.5, 0.85, 0.95]).to_json()
    assert (data["cell_id"], data["prompt"], data["iou"]) == (7, "point", [0.5, 0.85, 0.95])
    assert data["dice"] == pytest.approx([0.6667, 0.9189, 0.9744])
    assert (data["clicks_to_0.8"], data["clicks_to_0.9"]) == (2, 3)


def test_scores_are_means_over_cells():
    own = (course(1, (0.5, 0.9)), course(2, (0.7, 0.7)), course(1, (0.8, 0.8), "box"))
    judged = Judgement((*own, course(1, (1.0, 1.0), data_set="b", t=3)))
    scores = judged.by_data_set()["a"]
    assert (scores.frames, scores.cells) == (1, 2)
    assert scores.kinds["point"].iou == pytest.approx((0.6, 0.8))
    assert scores.kinds["point"].dice[0] == pytest.approx((2 * 0.5 / 1.5 + 2 * 0.7 / 1.7) / 2)
    assert scores.kinds["point"].clicks_to == {0.8: 2.0, 0.9: 2.0}
    assert scores.kinds["point"].reached == {0.8: 0.5, 0.9: 0.5}
    assert scores.kinds["box"].clicks_to[0.8] == 1.0
    assert (judged.scores.frames, judged.scores.cells) == (2, 3)


def test_what_chance_explains_is_not_clearly_worse():
    assert not clearly_worse([0.5, 0.6], [0.5, 0.6])
    assert not clearly_worse([0.5, 0.7, 0.6], [0.6, 0.6, 0.65])
    assert clearly_worse([0.5, 0.6, 0.7], [0.55, 0.64, 0.76])
    assert clearly_worse([0.5], [0.6])
    assert not clearly_worse([0.6], [0.5])
