import numpy as np
import pytest

from training.adoption import compare
from training.metrics import CellKey, Course, Judgement


def judged(gains, kinds=("point", "box"), base=0.6, cells_per_frame=1):
    """A judgement whose cell n has IoU ``base + gains[n]`` after every click."""
    return Judgement(
        tuple(
            Course(CellKey("a", "m", n // cells_per_frame, 0, n), kind, (base + gain,) * 8)
            for n, gain in enumerate(gains)
            for kind in kinds
        )
    )


ZERO = judged([0.0] * 12)


def test_a_clear_gain_is_better():
    verdict = compare(ZERO, judged(np.linspace(0.05, 0.15, 12)))
    assert verdict.better
    assert verdict.gain == pytest.approx(0.1)
    assert 0.05 < verdict.low < verdict.gain < verdict.high < 0.15
    assert "better: +0.100 IoU on 12 held-out cells" in verdict.sentence


@pytest.mark.parametrize(
    ("gains", "reason"),
    [
        ([0.0] * 12, "the new one is no better"),
        ([-0.1] * 12, "the new one is worse"),
        ([0.3, *[-0.01] * 11], "may be chance"),
    ],
)
def test_equal_worse_and_doubtful_keep_the_old_one(gains, reason):
    verdict = compare(ZERO, judged(gains))
    assert not verdict.better
    assert reason in verdict.sentence


@pytest.mark.parametrize(
    ("gains", "better"),
    [([0.3], False), ([0.3, 0.1], False), ([0.3, 0.29, 0.31], True), ([0.3, 0.02, 0.03], False)],
)
def test_few_cells_have_to_agree(gains, better):
    verdict = compare(judged([0.0] * len(gains)), judged(gains))
    assert verdict.better is better
    assert "With so few cells that is a rough figure" in verdict.sentence
    assert ("interval" in verdict.sentence) == (len(gains) > 1)


def test_boxes_that_suffer_keep_the_old_one():
    points = judged([0.2] * 12, ("point",))
    boxes = judged([-0.02] * 12, ("box",))
    verdict = compare(ZERO, Judgement((*points.courses, *boxes.courses)))
    assert not verdict.better
    assert verdict.gain > 0.05
    assert "after a first box the new one is worse (-0.020)" in verdict.sentence


def test_what_suffers_as_the_window_looks_keeps_the_old_one():
    closer = judged([0.0] * 12, ("box",)), judged([-0.03] * 12, ("box",))
    verdict = compare(ZERO, judged([0.2] * 12), *closer)
    assert not verdict.better
    assert "as the window does, the new one is worse after a box (-0.030)" in verdict.sentence
    assert compare(ZERO, judged([0.2] * 12), closer[0], closer[0]).better


def test_a_loss_of_closer_looks_that_may_be_chance_does_not_count():
    gains = [0.3, -0.5, *[0.1, -0.18] * 5]
    closer = judged([0.0] * 12, ("point",)), judged(gains, ("point",))
    verdict = compare(ZERO, judged([0.2] * 12), *closer)
    assert verdict.closer["point"] < -0.04
    assert verdict.better


def test_cells_of_one_frame_count_together():
    gains = np.repeat([0.3, -0.1] * 5, 10)
    alone = compare(judged(np.zeros(100)), judged(gains))
    together = compare(judged(np.zeros(100), cells_per_frame=10), judged(gains, cells_per_frame=10))
    assert together.gain == pytest.approx(alone.gain)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_nothing_in_common_is_no_ground_for_a_change():
    verdict = compare(ZERO, Judgement(()))
    assert not verdict.better
    assert verdict.cells == 0
