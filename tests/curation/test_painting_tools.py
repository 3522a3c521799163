"""Brush, eraser, lasso and selection, driven through the tools as the canvas drives them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cellsam_desktop.core.edits import SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.prompts import NO_PROMPTS, Box, Prompts
from cellsam_desktop.core.records import Source
from cellsam_desktop.curation.tools import BoxPreview, PathPreview
from cellsam_desktop.curation.view_state import Tool
from tests.curation.conftest import HEIGHT, WIDTH, Desk

HERE = PlaneKey()


@pytest.fixture
def painter(desk: Desk, movie_file: Path) -> Desk:
    """Cell 1 at x 10-14 and cell 2 at x 30-34, both at y 10-14; nothing selected, brush of radius 2."""
    desk.open(movie_file)
    desk.add_cell(1, HERE, 10, 10)
    desk.add_cell(2, HERE, 30, 10)
    desk.session.view.set(selection=(), brush_radius=2.0, tool=Tool.BRUSH)
    return desk


def drag(desk: Desk, *path: tuple[float, float], button: str = "left", keys: frozenset[str] = frozenset()):
    tools = desk.session.tools
    tools.press(*path[0], button, keys)
    for point in path[1:]:
        tools.move(*point, keys)
    tools.release(*path[-1], keys)


def area(desk: Desk, cell_id: int) -> int:
    record = desk.session.movie.document.record(cell_id, HERE)
    return record.mask.area if record else 0


def test_painting_with_nothing_selected_draws_a_new_cell(painter: Desk) -> None:
    drag(painter, (50, 30), (55, 30))
    document = painter.session.movie.document
    assert document.cell_ids == [1, 2, 3]
    assert document.record(3, HERE).source is Source.BRUSH
    assert painter.session.view.selection == (3,)


def test_a_stroke_goes_under_the_others_and_is_one_step(painter: Desk) -> None:
    session = painter.session
    session.editing.select((1,))
    drag(painter, (12, 12), (20, 12), (32, 12))
    assert area(painter, 2) == 25
    one, two = (session.movie.document.record(i, HERE).mask for i in (1, 2))
    assert one.overlap(two) == 0
    assert one.contains(25, 12)
    session.undo()
    assert area(painter, 1) == 25


def test_ctrl_paints_over_and_takes_the_pixels_except_from_locked_cells(painter: Desk) -> None:
    session = painter.session
    session.editing.select((1,))
    drag(painter, (28, 12), (32, 12), keys=frozenset({"ctrl"}))
    assert 0 < area(painter, 2) < 25
    session.undo()
    session.editing.set_locked([2], True)
    drag(painter, (28, 12), (32, 12), keys=frozenset({"ctrl"}))
    assert area(painter, 2) == 25


def test_a_stroke_wholly_on_another_cell_says_why_nothing_happened(painter: Desk) -> None:
    painter.session.view.set(brush_radius=1.0, selection=(1,))
    drag(painter, (32, 12))
    assert area(painter, 1) == 25
    assert "Ctrl" in painter.texts[-1]


def test_right_drag_and_the_eraser_erase_and_the_last_pixel_takes_the_cell(painter: Desk) -> None:
    session = painter.session
    drag(painter, (12, 12), button="right")
    assert 0 < area(painter, 1) < 25
    session.view.set(tool=Tool.ERASER, brush_radius=20.0)
    drag(painter, (10, 10))
    assert session.movie.document.cell_ids == [2]
    session.undo()
    session.undo()
    assert area(painter, 1) == 25


@pytest.mark.parametrize("button", ["left", "right"])
def test_what_the_model_said_of_a_mask_goes_with_its_shape(painter: Desk, button: str) -> None:
    session, document = painter.session, painter.session.movie.document
    said = replace(
        document.record(1, HERE), predicted_iou=0.5, agreement=0.4, prompts=Prompts(box=Box(10, 10, 14, 14))
    )
    session.commit("Propose", [SetMask(1, HERE, said)])
    session.view.set(selection=(1,))
    drag(painter, (14, 12), button=button)
    after = document.record(1, HERE)
    assert after.mask.area != said.mask.area
    assert (after.predicted_iou, after.agreement, after.prompts) == (None, None, NO_PROMPTS)
    assert after.source is Source.BRUSH


def test_erasing_touches_only_the_cell_it_begins_on(painter: Desk) -> None:
    painter.session.view.set(tool=Tool.ERASER)
    drag(painter, (12, 12), (32, 12))
    assert area(painter, 1) < 25
    assert area(painter, 2) == 25


def test_lasso_fills_a_polygon_and_shift_cuts(painter: Desk) -> None:
    session = painter.session
    session.view.set(tool=Tool.LASSO)
    drag(painter, (40, 20), (50, 20), (50, 30), (40, 30))
    assert area(painter, 3) == 100
    assert session.movie.document.record(3, HERE).source is Source.LASSO
    drag(painter, (40, 20), (45, 20), (45, 30), (40, 30), keys=frozenset({"shift"}))
    assert area(painter, 3) == 50


def test_painting_stays_within_the_image(painter: Desk) -> None:
    drag(painter, (WIDTH + 30, HEIGHT + 30), (WIDTH + 40, HEIGHT + 40))
    assert painter.session.movie.document.cell_ids == [1, 2]
    drag(painter, (WIDTH - 1, HEIGHT - 1))
    region = painter.session.movie.document.record(3, HERE).mask.region
    assert region.x1 == WIDTH
    assert region.y1 == HEIGHT


def test_previews_show_the_drag_and_cancel_drops_it(painter: Desk) -> None:
    session = painter.session
    session.tools.press(20, 20, "left")
    session.tools.move(24, 20)
    preview = session.tools.preview
    assert isinstance(preview, PathPreview)
    assert preview.points == ((20, 20), (24, 20))
    assert session.tools.cancel()
    session.tools.release(24, 20)
    assert session.movie.document.cell_ids == [1, 2]
    assert session.tools.preview is None
    session.view.set(tool=Tool.BOX)
    session.tools.press(30, 30, "left")
    session.tools.move(20, 20)
    assert session.tools.preview == BoxPreview(Box(20, 20, 30, 30))
    session.tools.release(20, 20)
    assert session.prompting.prompts.box == Box(20, 20, 30, 30)


def test_a_click_with_the_box_tool_is_a_point(painter: Desk) -> None:
    session = painter.session
    session.view.set(tool=Tool.BOX)
    drag(painter, (20, 20))
    drag(painter, (22, 20), button="right")
    assert [point.positive for point in session.prompting.prompts.points] == [True, False]
    assert session.prompting.prompts.box is None


@pytest.mark.parametrize(
    ("button", "keys", "positive"),
    [("left", frozenset(), True), ("right", frozenset(), False), ("left", frozenset({"shift"}), False)],
)
def test_buttons_of_the_point_tool(painter: Desk, button: str, keys: frozenset[str], positive: bool) -> None:
    painter.session.view.set(tool=Tool.POINT)
    drag(painter, (20, 20), button=button, keys=keys)
    assert [point.positive for point in painter.session.prompting.prompts.points] == [positive]


def test_the_select_tool_selects_and_shows_what_it_would_hit(painter: Desk) -> None:
    session = painter.session
    session.view.set(tool=Tool.SELECT)
    session.tools.move(12, 12)
    assert session.tools.hovered_cell == 1
    drag(painter, (12, 12))
    drag(painter, (32, 12), keys=frozenset({"shift"}))
    assert session.view.selection == (1, 2)
    session.tools.leave()
    assert session.tools.hovered_cell is None


def test_changing_frame_or_tool_drops_a_drag(painter: Desk) -> None:
    session = painter.session
    session.tools.press(20, 20, "left")
    session.navigation.step(1)
    assert not session.tools.dragging
    session.tools.press(20, 20, "left")
    session.view.set(tool=Tool.SELECT)
    assert not session.tools.dragging
