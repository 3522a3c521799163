"""Cells on the canvas: colours, visibility through the table alone, work only where masks changed."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from cellsam_desktop.analysis.colouring import NO_VALUE, ColourBy
from cellsam_desktop.core.edits import AddDivision
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.images.contrast import to_uint8
from cellsam_desktop.ui.canvas.canvas import Canvas
from cellsam_desktop.ui.canvas.raster import Raster, hidden_doubles
from cellsam_desktop.ui.palette import SELECTED_OPACITY, colour_of, scale


def grab(canvas) -> QImage:
    return canvas.viewport().grab().toImage()


def colour(picture: QImage, x: int, y: int) -> np.ndarray:
    """Colour in the middle of plane pixel (x, y)."""
    at = QColor(picture.pixel(10 * x + 5, 10 * y + 5))
    return np.array([at.red(), at.green(), at.blue()])


@pytest.fixture
def bare(canvas, session):
    """The canvas without paths, whose dots would lie on the pixels looked at."""
    session.view.set(trail=0)
    return canvas


def mixed(session, cell_id: int, x: int, y: int, opacity: float) -> np.ndarray:
    grey = to_uint8(session.navigation.plane, session.navigation.contrast)[y, x]
    return grey * (1 - opacity) + np.array(colour_of(cell_id)) * opacity


def test_a_cell_is_drawn_in_its_colour_on_its_pixels_only(bare, session, put_cell):
    cell = put_cell(10, 20, 5, 8)
    picture, opacity = grab(bare), session.view.opacity
    for x, y in ((20, 10), (27, 14)):
        np.testing.assert_allclose(colour(picture, x, y), mixed(session, cell, x, y, opacity), atol=2)
    for x, y in ((19, 10), (28, 14), (20, 9), (27, 15)):
        np.testing.assert_allclose(colour(picture, x, y), mixed(session, cell, x, y, 0), atol=1)


def test_a_new_mask_repaints_its_rectangle_and_rebuilds_nothing(bare, session, put_cell):
    raster = bare.cells.raster
    rebuilds, patches = raster.rebuilds, raster.patches
    put_cell(10, 20, 5, 8)
    assert (raster.rebuilds, raster.patches, raster.patched_pixels) == (rebuilds, patches + 1, 40)


def test_looks_change_through_the_table_alone(bare, session, put_cell):
    cell, other = put_cell(10, 20, 5, 8), put_cell(30, 20, 5, 8)
    raster = bare.cells.raster
    work = raster.rebuilds, raster.patches
    for values in (
        {"opacity": 0.8}, {"hidden": frozenset({cell})}, {"solo": frozenset({cell})}, {"solo": frozenset()},
        {"selection": (other,)}, {"show_masks": False}, {"show_masks": True}, {"hide_all": True},
    ):  # fmt: skip
        session.view.set(**values)
    assert (raster.rebuilds, raster.patches) == work
    session.view.set(hide_all=False, selection=())
    picture = grab(bare)
    np.testing.assert_allclose(colour(picture, 22, 12), mixed(session, cell, 22, 12, 0), atol=1)
    np.testing.assert_allclose(colour(picture, 22, 32), mixed(session, other, 22, 32, 0.8), atol=2)


def test_selection_stands_out_and_is_outlined_along_pixel_edges(bare, session, put_cell):
    cell = put_cell(10, 20, 5, 8)
    session.view.set(selection=(cell,))
    picture = grab(bare)
    expected = mixed(session, cell, 24, 12, session.view.opacity + SELECTED_OPACITY)
    np.testing.assert_allclose(colour(picture, 24, 12), expected, atol=2)
    white = QColor("white").rgb()
    edge_x, edge_y = 10 * 20, 10 * 10  # screen position of the mask's upper left corner
    assert picture.pixel(edge_x, edge_y + 25) == white
    assert picture.pixel(edge_x + 40, edge_y) == white
    assert picture.pixel(edge_x + 5, edge_y + 25) != white
    session.view.set(show_outlines=False)
    assert grab(bare).pixel(edge_x, edge_y + 25) != white


def test_outlines_are_made_for_chosen_cells_only(bare, session, put_cell):
    for n in range(6):
        put_cell(8 * n, 0, 4, 4)
    before = bare.cells.selected.rebuilds, bare.cells.hovered.rebuilds
    session.view.set(selection=(2,))
    session.view.set(opacity=0.3)
    bare.cells.hover(3)
    bare.cells.hover(3)
    assert (bare.cells.selected.rebuilds, bare.cells.hovered.rebuilds) == (before[0] + 1, before[1] + 1)


def test_stepping_shows_the_cells_of_the_frame(bare, session, put_cell, qtbot):
    put_cell(10, 20, 5, 8)
    put_cell(30, 40, 5, 8, t=1)
    session.navigation.step(1)
    qtbot.waitUntil(lambda: session.navigation.plane_index == session.view.index)
    indices = bare.cells.raster.indices
    assert set(np.unique(indices)) == {0, 2}
    assert indices[32, 42] == 2


def test_undo_takes_the_mask_away_again(bare, session, put_cell):
    put_cell(10, 20, 5, 8)
    session.undo()
    assert not bare.cells.raster.indices.any()
    session.redo()
    assert (bare.cells.raster.indices > 0).sum() == 40


def test_a_path_is_drawn_behind_each_cell(canvas, session, put_cell, qtbot):
    cell = put_cell(28, 10, 5, 5)
    put_cell(28, 30, 5, 5, t=1, cell_id=cell)
    put_cell(28, 50, 5, 5, t=2, cell_id=cell)
    session.navigation.go_to(2)
    qtbot.waitUntil(lambda: session.navigation.plane_index == session.view.index)
    near = QColor(*colour_of(cell)).lighter(125)
    picture = grab(canvas)
    for x in (15, 25, 40):
        at = QColor(picture.pixel(10 * x + 5, 10 * 30 + 5))
        distance = abs(at.red() - near.red()) + abs(at.green() - near.green()) + abs(at.blue() - near.blue())
        assert distance < 110, x
    session.view.set(trail=0)
    assert canvas.cells.trails.boundingRect().isEmpty()


def test_paths_of_very_many_cells_come_some_events_later(canvas, session, put_cell, qtbot, monkeypatch):
    monkeypatch.setattr("cellsam_desktop.ui.canvas.cell_layer._CENTROIDS", 1)
    for t in range(4):
        put_cell(28, 10 + 5 * t, 5, 5, t=t, cell_id=1)
    session.movie.measurements._centres.clear()
    session.navigation.go_to(3)
    assert canvas.cells.trails.boundingRect().isEmpty()
    before = session.movie.measurements.centred
    qtbot.waitUntil(lambda: not canvas.cells.trails.boundingRect().isEmpty())
    assert 1 <= session.movie.measurements.centred - before <= 3


def square(y0: int, x0: int, size: int) -> Mask:
    mask = Mask.from_array(np.ones((size, size), bool), y0, x0)
    assert mask is not None
    return mask


def test_the_smaller_of_two_overlapping_cells_lies_on_top_however_they_came():
    raster = Raster()
    raster.rebuild(20, 20, {1: square(0, 0, 10), 2: square(4, 4, 3)})
    first = raster.indices.copy()
    assert first[5, 5] == 2
    raster.rebuild(20, 20, {})
    raster.patch({2: square(4, 4, 3)}, ())
    raster.patch({1: square(0, 0, 10)}, ())
    np.testing.assert_array_equal(raster.indices, first)
    raster.patch({2: None}, ())
    assert raster.indices[5, 5] == 1


def test_patching_equals_drawing_anew():
    random = np.random.default_rng(1)
    raster, masks = Raster(), {}
    raster.rebuild(64, 64, {})
    for _ in range(300):
        cell_id = int(random.integers(1, 12))
        mask = None
        if random.random() < 0.7:
            bits = random.random((int(random.integers(1, 12)), int(random.integers(1, 12)))) < 0.7
            mask = Mask.from_array(bits, int(random.integers(-4, 60)), int(random.integers(-4, 60)))
        raster.patch({cell_id: mask}, ())
        masks.pop(cell_id, None)
        if mask is not None:
            masks[cell_id] = mask
        fresh = Raster()
        fresh.rebuild(64, 64, masks)
        np.testing.assert_array_equal(raster.indices, fresh.indices)


def test_hidden_cells_that_share_a_colour_are_left_out():
    assert hidden_doubles({1, 2}, {256, 300}) == {256}
    raster = Raster()
    masks = {1: square(0, 0, 4), 256: square(10, 10, 4)}
    raster.rebuild(20, 20, masks)
    assert raster.indices[11, 11] == raster.indices[1, 1] == 1
    assert raster.patch({}, {256}) == Region(10, 10, 4, 4)
    assert raster.indices[11, 11] == 0
    assert raster.patch({}, {256}) is None
    raster.patch({}, ())
    assert raster.indices[11, 11] == 1


# -- colours by something else ---------------------------------------------------------------------


def test_colours_by_lineage_change_the_table_only(canvas, session, put_cell):
    mother = put_cell(10, 10, 4, 4)
    daughters = [put_cell(10, x, 4, 4, t=1) for x in (10, 40)]
    session.navigation.go_to(1)
    session.view.set(colour_by=ColourBy.LINEAGE, opacity=1.0)
    assert len({shown(canvas, x) for x in (11, 41)}) == 2
    rebuilds = canvas.cells.raster.rebuilds
    assert session.commit("Divide", [AddDivision(mother, (daughters[0], daughters[1]))])
    assert {shown(canvas, x) for x in (11, 41)} == {colour_of(mother)}
    assert canvas.cells.raster.rebuilds == rebuilds
    session.view.set(colour_by=ColourBy.CELL)
    assert shown(canvas, 11) == colour_of(daughters[0])


def test_selecting_one_of_a_lineage_does_not_light_up_the_others(canvas, session, put_cell):
    mother = put_cell(10, 10, 4, 4)
    daughters = [put_cell(10, x, 4, 4, t=1) for x in (10, 40)]
    assert session.commit("Divide", [AddDivision(mother, (daughters[0], daughters[1]))])
    session.navigation.go_to(1)
    session.view.set(colour_by=ColourBy.LINEAGE)
    before = shown(canvas, 41)
    session.editing.select((daughters[0],))
    assert shown(canvas, 41) == before
    session.editing.toggle_visible((daughters[0],))
    assert canvas.cells.raster.absent == frozenset()
    assert shown(canvas, 41) == before


def test_more_cells_than_rows_still_show_their_values(canvas, session, put_cell, qtbot):
    for number in range(210):
        put_cell(2 * (number // 30), 2 * (number % 30), 1, 2 if number == 7 else 1)
    session.view.set(colour_by=ColourBy.AREA, opacity=1.0)
    assert shown(canvas, 14, 0) == tuple(scale()[NO_VALUE])
    qtbot.waitUntil(lambda: session.colouring.legend is not None)
    assert shown(canvas, 14, 0) == tuple(scale()[NO_VALUE - 1])
    assert canvas.legend.isVisible()


def shown(canvas: Canvas, x: int, y: int = 11) -> tuple[int, int, int]:
    """The colour that the overlay's table gives the cell at a pixel, as if over black."""
    index = int(canvas.cells.raster.indices[y, x])
    colour = QColor.fromRgba(canvas.cells.overlay._table[index])
    assert colour.alpha() > 0
    return colour.getRgb()[:3]
