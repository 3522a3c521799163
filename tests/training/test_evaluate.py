import numpy as np

from cellsam_desktop.core.mask import Mask
from training.evaluate import Asked, Shown, follow
from training.metrics import CellKey

CELLS = [Asked(CellKey("a", "m", 0, 0, n), Mask(10 * n, 10 * n, np.ones((9, 9), bool))) for n in range(1, 4)]


class Hand:
    """Shows a part of the cell that grows by a third with each point; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, prompts, before):
        hints = [shown and shown.logits for shown in before]
        self.asked.append((list(prompts), hints))
        return [self.show(cell) for cell in prompts]

    def show(self, prompts):
        points = len(prompts.points) + (prompts.box is not None)
        point = prompts.points[0] if prompts.points else prompts.box
        number = round((point.y if prompts.points else point.y0) // 10)
        bits = np.ones((min(9, 3 * points), 9), bool)
        logits = np.full((256, 256), float(points), np.float32)
        return Shown(Mask(10 * number, 10 * number, bits), logits)


def test_masks_are_corrected_until_nothing_is_wrong():
    hand = Hand()
    courses = follow(hand, CELLS, "point", clicks=5)
    assert [course.key.cell_id for course in courses] == [1, 2, 3]
    assert courses[0].ious == (1 / 3, 2 / 3, 1.0, 1.0, 1.0)
    assert len(hand.asked) == 3  # right masks are not asked for again
    assert courses[0].first.height == 3


def test_a_correction_comes_with_the_logits_before_it():
    hand = Hand()
    follow(hand, CELLS, "box", clicks=3)
    assert hand.asked[0][1] == [None] * 3
    prompts, hints = hand.asked[1]
    assert all(own.box is not None and len(own.points) == 1 for own in prompts)
    assert all(hint.max() == 1 for hint in hints)
    assert all(hint.max() == 2 for hint in hand.asked[2][1])
