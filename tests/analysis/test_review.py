"""The review queue: what is odd is found and said, and only what changed is worked out again."""

from __future__ import annotations

import numpy as np
import pytest

from cellsam_desktop.analysis import review
from cellsam_desktop.analysis.doubts import contact_of
from cellsam_desktop.analysis.review import Review
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddCell, AddDivision, Edit, MarkSeen, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source

FRAMES, HEIGHT, WIDTH = 12, 200, 300


class Movie:
    """A document that a review follows."""

    def __init__(self) -> None:
        self.document = Document()
        self.history = History(self.document)
        self.review = Review(self.document, FRAMES, HEIGHT, WIDTH)
        self.document.changed.connect(self.review.update)

    def put(self, cell: int, frames, x: int = 50, y: int = 50, radius: int = 10, **facts) -> None:
        edits: list[Edit] = [] if cell in self.document else [AddCell(Cell(cell))]
        facts = {"source": Source.PROPAGATED, "predicted_iou": 0.95} | facts
        edits += [SetMask(cell, PlaneKey(t), MaskRecord(disc(x + t, y, radius), **facts)) for t in frames]
        self.history.commit("Put", edits)

    def divide(self, *daughters: tuple[int, int]) -> None:
        """Cell 1 has become cells 3 and 4 on frame 6; the x and the radius of each."""
        self.do(*(SetMask(1, PlaneKey(t), None) for t in range(6, FRAMES)))
        for cell, (x, radius) in enumerate(daughters, start=3):
            self.put(cell, range(6, FRAMES), x=x, radius=radius)
        self.do(AddDivision(1, (3, 4)))

    def do(self, *edits: Edit) -> None:
        self.history.commit("Do", edits)

    def finish(self) -> Review:
        while not self.review.work(7):
            pass
        return self.review

    def reasons(self, cell: int, t: int) -> str:
        doubt = self.finish().doubts.get((cell, PlaneKey(t)))
        return "" if doubt is None else doubt.words


def disc(x: int, y: int, radius: int) -> Mask:
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return Mask(y - radius, x - radius, rows**2 + columns**2 <= radius**2)


@pytest.fixture
def movie() -> Movie:
    movie = Movie()
    movie.put(1, range(FRAMES))
    movie.put(2, range(FRAMES), x=150, y=120)
    return movie


def test_steady_cells_are_not_doubtful(movie):
    assert movie.finish().doubts == {}
    assert movie.review.pending == 0
    assert 0 < movie.review.score(1, PlaneKey(5)) < 0.2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"radius": 14}, "area jumped by 9"),
        ({"radius": 7}, "area fell by 5"),
        ({"x": 75}, "moved 26 pixels at once"),
        ({"predicted_iou": 0.6}, "the model is unsure (60%)"),
        ({"agreement": 0.4}, "the model's candidates disagree (40%)"),
    ],
)
def test_what_is_odd_is_said(movie, change, said):
    movie.put(1, [5], **change)
    assert said in movie.reasons(1, 5)
    assert movie.review.ranked()[0].cell_id == 1


def test_what_a_person_made_or_saw_is_not_doubtful(movie):
    movie.put(1, [5], radius=16)
    assert movie.reasons(1, 5)
    movie.do(MarkSeen(1, frozenset([PlaneKey(5)])))
    assert not movie.reasons(1, 5)
    movie.history.undo()
    assert movie.reasons(1, 5)
    movie.put(1, [5], radius=16, source=Source.BRUSH)
    assert not movie.reasons(1, 5)


def test_a_mistake_is_carried_on_until_somebody_has_looked(movie):
    movie.put(1, range(4, FRAMES), x=90)
    assert "moved" in movie.reasons(1, 4)
    assert not movie.reasons(1, 5)  # to mend the first one is enough
    scores = [movie.review.score(1, PlaneKey(t)) for t in range(4, 9)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == pytest.approx(0.9**4 * scores[0], abs=0.01)
    movie.do(MarkSeen(1, frozenset([PlaneKey(4)])))
    movie.finish()
    assert movie.review.score(1, PlaneKey(8)) < 0.2
    assert movie.finish().doubts == {}


def test_a_cell_that_ends_where_others_go_on(movie):
    movie.do(*(SetMask(1, PlaneKey(t), None) for t in range(6, FRAMES)))
    assert "ends here, inside the image" in movie.reasons(1, 5)
    movie.do(*(SetMask(2, PlaneKey(t), None) for t in range(6, FRAMES)))
    assert not movie.reasons(1, 5)  # nobody has gone on from there
    movie.history.undo()
    assert "ends here" in movie.reasons(1, 5)


def test_a_cell_may_end_at_the_border(movie):
    movie.put(3, range(6), x=WIDTH - 16, y=60)  # touches the border from frame 4 on
    assert not movie.reasons(3, 5)


def test_daughters_of_a_doubtful_mother_are_doubtful(movie):
    movie.put(1, [5], radius=16)
    movie.divide((42, 8), (58, 8))
    movie.finish()
    assert movie.review.score(4, PlaneKey(7)) > 0.5
    movie.put(1, [5], source=Source.CLICK)
    movie.finish()
    assert movie.review.score(4, PlaneKey(7)) < 0.5


def test_divisions(movie):
    movie.divide((43, 7), (58, 7))
    assert "a proposed division" in movie.reasons(3, 6)
    assert not movie.reasons(4, 6)  # said once
    assert not movie.reasons(1, 5)  # a mother may end
    movie.do(*(MarkSeen(i, frozenset([PlaneKey(6)])) for i in (3, 4)))
    assert not movie.reasons(3, 6)


def test_an_implausible_division(movie):
    movie.divide((50, 13), (72, 3))
    words = movie.reasons(3, 6)
    assert "the daughters together have 17" in words
    assert "one daughter has 5% of the other's area" in words


def test_only_what_changed_is_worked_out(movie):
    for cell in range(10, 60):
        movie.put(cell, range(FRAMES), x=20 + 4 * (cell % 10), y=20 + 30 * (cell // 10))
    movie.finish()
    before = movie.review.scored
    movie.put(1, [5], radius=16)
    movie.finish()
    assert 1 <= movie.review.scored - before <= 4  # the mask, and those compared with it
    movie.do(MarkSeen(2, frozenset([PlaneKey(5)])))
    movie.finish()
    assert movie.review.scored - before <= 4
    assert movie.review.pending == 0


def test_what_touches_a_changed_mask_is_looked_at_again(movie):
    movie.put(3, range(FRAMES), x=85)
    movie.finish()
    alone, before = movie.review.score(1, PlaneKey(5)), movie.review.scored
    movie.put(3, [5], x=60)  # over most of cell 1
    movie.finish()
    assert movie.review.score(1, PlaneKey(5)) > alone + 0.1
    assert movie.review.scored - before <= 3  # cell 3; no pixels of cell 1 are compared anew
    movie.do(SetMask(3, PlaneKey(5), None))
    movie.finish()
    assert movie.review.score(1, PlaneKey(5)) == alone
    assert movie.review.pending == 0


def test_after_a_change_of_very_many_masks_nothing_is_noted_at_once(movie, monkeypatch):
    movie.put(1, [5], radius=16)
    movie.finish()
    monkeypatch.setattr(review, "_BULK", 3)
    movie.do(*(SetMask(1, PlaneKey(t), None) for t in range(2, 8)))
    assert movie.review.pending == 1  # the cell
    assert movie.finish().doubts == {}
    movie.history.undo()
    assert "area jumped" in movie.reasons(1, 5)


def test_following_gives_what_a_fresh_review_gives():
    movie = Movie()
    rng = np.random.default_rng(1)
    for cell in range(1, 9):
        movie.put(cell, range(FRAMES), x=10 + 24 * cell, y=40)
    for _ in range(60):
        cell, t, action = rng.integers(1, 9), PlaneKey(int(rng.integers(FRAMES))), rng.integers(4)
        track = movie.document.track(int(cell))
        if action == 0:
            movie.put(int(cell), [t.t], x=10 + 24 * int(cell), y=40, radius=int(rng.integers(4, 14)))
        elif t in track and len(track) > 1:
            edit = SetMask(int(cell), t, None) if action == 1 else MarkSeen(int(cell), frozenset([t]))
            movie.do(edit)
        if rng.integers(3) == 0:
            movie.finish()
    fresh = Review(movie.document, FRAMES, HEIGHT, WIDTH)
    fresh.work(10_000)
    followed = movie.finish()
    assert followed.doubts.keys() == fresh.doubts.keys()
    for place, doubt in fresh.doubts.items():
        assert followed.doubts[place].score == pytest.approx(doubt.score, abs=0.06)


def test_contact_is_the_share_of_the_edge_that_touches():
    square, beside = Mask(10, 10, np.ones((8, 8), bool)), Mask(10, 18, np.ones((8, 8), bool))
    assert contact_of(square, [beside]) == pytest.approx(8 / 28)
    assert contact_of(square, [Mask(10, 20, np.ones((8, 8), bool))]) == 0
    assert contact_of(square, [square]) == 1


def _colony(movie: Movie) -> None:
    for cell in range(3, 7):
        movie.put(cell, range(FRAMES), x=40 * cell, y=170)


def test_what_all_cells_do_is_not_odd(movie):
    _colony(movie)
    for cell, x, y in ((1, 50, 50), (2, 150, 120), *((i, 40 * i, 170) for i in range(3, 7))):
        movie.put(cell, range(6, FRAMES), x=x + 30, y=y)  # the stage jumped
    assert movie.finish().doubts == {}
    movie.put(3, range(6, FRAMES), x=120 - 30, y=170)
    assert "moved" in movie.reasons(3, 6)
    assert not movie.reasons(4, 6)


def test_a_mask_far_from_the_last_that_was_seen_is_more_doubtful(movie):
    movie.put(1, [0], source=Source.CLICK)
    movie.finish()
    scores = [movie.review.score(1, PlaneKey(t)) for t in (1, 4, 11)]
    assert scores == sorted(scores)
    assert scores[-1] > 2 * scores[0]
    movie.do(MarkSeen(1, frozenset([PlaneKey(10)])))
    movie.finish()
    assert movie.review.score(1, PlaneKey(11)) == pytest.approx(scores[0], abs=0.005)


def test_small_signs_add_up_and_the_first_of_a_run_is_told(movie):
    _colony(movie)
    movie.put(1, [0], source=Source.CLICK)
    movie.put(1, range(6, FRAMES), predicted_iou=0.86, agreement=0.72)
    assert movie.finish().doubts == {}
    movie.put(1, range(6, FRAMES), radius=7, predicted_iou=0.86, agreement=0.72)
    said = movie.reasons(1, 6)
    assert "smaller than most" in said
    assert "the model is unsure (86%)" in said
    assert movie.review.score(1, PlaneKey(9)) > 0.5
    assert not movie.reasons(1, 9)  # it came from there


def test_the_second_daughter_of_an_odd_division_is_scored_though_not_told(movie):
    movie.divide((50, 10), (85, 5))
    assert "of the other's area" in movie.reasons(3, 6)
    assert not movie.reasons(4, 6)
    assert movie.review.score(4, PlaneKey(6)) > 0.5


def test_a_long_track_is_gone_through_in_pieces():
    movie = Movie()
    movie.put(1, range(FRAMES), predicted_iou=0.9)
    movie.finish()
    movie.do(MarkSeen(1, frozenset([PlaneKey(2)])))
    steps = 0
    while not movie.review.work(1):
        steps += 1
    assert steps >= FRAMES - 3
