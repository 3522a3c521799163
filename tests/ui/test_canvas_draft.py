"""What is not accepted yet: proposal, hover mask and prompts, drawn where they belong, and seldom."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QColor, QImage

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.curation.answering import Answering
from cellsam_desktop.jobs.decode_request import Proposal
from cellsam_desktop.sam.transforms import InputGeometry
from cellsam_desktop.ui.canvas.outlines import border
from cellsam_desktop.ui.canvas.prompt_item import BOX, NEGATIVE, POSITIVE
from cellsam_desktop.ui.palette import colour_of

LOGITS = np.zeros((256, 256), np.float32)
GEOMETRY = InputGeometry(Region.whole(60, 80))


def square(y0: int, x0: int, size: int) -> Mask:
    mask = Mask.from_array(np.ones((size, size), bool), y0, x0)
    assert mask is not None
    return mask


def proposal(mask: Mask | None) -> Proposal:
    return Proposal(mask, 0.9, LOGITS, GEOMETRY)


def grab(canvas) -> QImage:
    return canvas.viewport().grab().toImage()


def middle(picture: QImage, x: int, y: int) -> QColor:
    return QColor(picture.pixel(10 * x + 5, 10 * y + 5))


@pytest.fixture
def offer(session):
    """Puts proposals or a hover mask where the decoder's answers go."""

    def put(*masks: Mask, hover: Mask | None = None) -> None:
        answers = session.prompting.answers
        answers.proposals, answers.candidate = tuple(proposal(mask) for mask in masks), 0
        answers.complete = True
        session.prompting.hovering.proposal = None if hover is None else proposal(hover)
        session.prompting.changed.emit()

    return put


def test_a_proposal_is_drawn_on_its_pixels_in_the_colour_of_the_cell_to_be(canvas, session, offer):
    before = middle(grab(canvas), 22, 12)
    offer(square(10, 20, 6))
    picture = grab(canvas)
    inside, ours = middle(picture, 22, 12), colour_of(session.movie.document.next_id)
    strong = int(np.argmax(ours))
    assert inside.getRgb()[strong] > before.getRgb()[strong]
    assert middle(picture, 19, 12) == middle(picture, 19, 30)
    assert picture.pixel(200, 125) == QColor("white").rgb()
    assert picture.pixel(260, 125) == QColor("white").rgb()
    offer()
    assert middle(grab(canvas), 22, 12) == before


def test_candidates_take_each_others_place(canvas, session, offer):
    plain = middle(grab(canvas), 22, 12)
    offer(square(10, 20, 6), square(30, 40, 6))
    session.prompting.cycle(1)
    picture = grab(canvas)
    assert middle(picture, 22, 12) == plain
    assert picture.pixel(400, 325) == QColor("white").rgb()


def test_continuing_a_cell_shows_its_colour_before_the_first_click(canvas, session, offer, put_cell):
    cell = put_cell(40, 40, 5, 5, t=1)
    put_cell(50, 50, 5, 5)
    session.view.set(selection=(cell,))
    offer(hover=square(10, 20, 6))
    tint = np.array(middle(grab(canvas), 22, 12).getRgb()[:3], float)
    tint -= tint.min()
    ours = np.array(colour_of(cell), float)
    ours -= ours.min()
    assert np.argmax(tint) == np.argmax(ours)


def test_the_same_hover_mask_is_prepared_once(canvas, offer):
    mask = square(10, 20, 6)
    offer(hover=mask)
    rebuilds = canvas.draft.hover.rebuilds
    for _ in range(5):
        offer(hover=mask)
    assert canvas.draft.hover.rebuilds == rebuilds


def test_a_prompt_appears_with_its_mask_or_else_soon(canvas, session, offer, qtbot, monkeypatch):
    monkeypatch.setattr(Answering, "asked", True)
    prompts = canvas.draft.prompts
    session.prompting.add_point(30, 12)
    assert prompts.boundingRect().isEmpty()
    offer(square(10, 20, 6))
    assert not prompts.boundingRect().isEmpty()
    session.prompting.clear()
    assert prompts.boundingRect().isEmpty()
    session.prompting.add_point(30, 12)
    qtbot.waitUntil(lambda: not prompts.boundingRect().isEmpty())
    assert canvas.draft.proposal.rebuilds == 1


class Paints(QObject):
    """Notes the rectangle of every paint event of a widget."""

    def __init__(self, widget) -> None:
        super().__init__(widget)
        self.rects = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.rects.append(event.region().boundingRect())
        return False


def test_a_hover_mask_repaints_only_its_surroundings(canvas, offer, qtbot):
    offer(hover=square(10, 20, 6))
    qtbot.wait(50)
    paints = Paints(canvas.viewport())
    offer(hover=square(12, 22, 6))
    qtbot.waitUntil(lambda: bool(paints.rects))
    assert max(rect.width() * rect.height() for rect in paints.rects) < 100 * 100


def test_prompts_are_drawn_where_they_were_given(canvas, session):
    canvas.draft.prompts.show_prompts(Prompts((Point(20, 10), Point(60, 40, False)), Box(30, 20, 50, 35)))
    picture = grab(canvas)
    assert near(picture, 205 + 3, 105 + 3, POSITIVE)
    assert near(picture, 605 + 3, 405 + 3, NEGATIVE)
    assert near(picture, 400, 205, BOX)
    assert near(picture, 305, 280, BOX)


def near(picture: QImage, x: int, y: int, colour: QColor) -> bool:
    """Whether a pixel within two of (x, y) has nearly this colour."""
    found = [QColor(picture.pixel(x + i, y + j)) for i in range(-2, 3) for j in range(-2, 3)]
    return any(sum(abs(a - b) for a, b in zip(c.getRgb(), colour.getRgb(), strict=True)) < 60 for c in found)


def test_hiding_everything_hides_the_draft_too(canvas, session, offer):
    offer(square(10, 20, 6), hover=square(30, 30, 4))
    plain = middle(grab(canvas), 70, 50)
    session.view.set(hide_all=True)
    picture = grab(canvas)
    assert picture.pixel(200, 125) != QColor("white").rgb()
    assert middle(picture, 70, 50) == plain
    session.view.set(hide_all=False)
    assert grab(canvas).pixel(200, 125) == QColor("white").rgb()


def test_borders_run_along_pixel_edges_holes_included():
    bits = np.ones((4, 5), bool)
    bits[1, 2] = False
    mask = Mask.from_array(bits, 10, 20)
    assert mask is not None
    x, y = border(mask)
    assert (np.mod(x, 1) == 0.5).all()
    assert (np.mod(y, 1) == 0.5).all()
    assert (x.min(), x.max(), y.min(), y.max()) == (19.5, 24.5, 9.5, 13.5)
    lengths = np.abs(np.diff(x)[::2]) + np.abs(np.diff(y)[::2])
    assert lengths.sum() == 2 * (4 + 5) + 4
    assert len(lengths) == 8
