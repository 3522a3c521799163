"""Plane pixels land on the right screen pixels: the half-pixel offset is tested by rendering."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage

from cellsam_desktop.core.prompts import Box, Point, Prompts
from cellsam_desktop.images.contrast import Contrast, to_uint8


def colour(picture: QImage, x: float, y: float) -> tuple[int, int, int]:
    at = QColor(picture.pixel(int(x), int(y)))
    return at.red(), at.green(), at.blue()


def grab(canvas) -> QImage:
    return canvas.viewport().grab().toImage()


def test_a_pixel_covers_half_a_pixel_around_its_centre(canvas):
    assert canvas.zoom == pytest.approx(10)
    assert canvas.to_plane(QPointF(0, 0)) == QPointF(-0.5, -0.5)
    assert canvas.to_plane(QPointF(5, 5)) == QPointF(0, 0)
    assert canvas.from_plane(QPointF(79, 59)) == QPointF(795, 595)


def test_each_pixel_is_drawn_as_one_crisp_square(canvas, session):
    shown = to_uint8(session.navigation.plane, session.navigation.contrast)
    picture = grab(canvas)
    for x in (0, 1, 40, 78, 79):
        grey = int(shown[30, x])
        for inside in (0, 5, 9):
            assert colour(picture, 10 * x + inside, 305) == (grey, grey, grey), (x, inside)


def test_zooming_keeps_the_pixel_under_the_mouse(canvas):
    mouse = QPointF(333, 211)
    before = canvas.to_plane(mouse)
    for factor in (1.25, 1.25, 0.8, 3.0):
        canvas.zoom_at(mouse, factor)
        after = canvas.to_plane(mouse)
        assert (after.x(), after.y()) == (pytest.approx(before.x()), pytest.approx(before.y()))


def test_panning_moves_the_plane_with_the_hand(canvas):
    under = canvas.to_plane(QPointF(100, 100))
    canvas.pan_by(QPointF(37, -12))
    assert canvas.from_plane(under) == QPointF(137, 88)


def test_the_plane_cannot_get_lost(canvas):
    canvas.pan_by(QPointF(1e6, -1e6))
    assert canvas.visible.intersects(QRectF(0, 0, 80, 60))
    canvas.zoom_at(QPointF(0, 0), 1e-9)
    assert canvas.zoom == 1  # small images are never shown smaller than they are
    canvas.zoom_at(QPointF(0, 0), 1e9)
    assert canvas.zoom == 64


def test_resizing_keeps_the_middle(canvas):
    canvas.zoom_at(QPointF(200, 200), 2)
    middle = canvas.visible.center()
    canvas.resize(500, 400)
    assert (canvas.visible.center() - middle).manhattanLength() < 0.2


def test_a_fitted_plane_stays_fitted(canvas):
    canvas.fit()
    canvas.resize(400, 700)
    assert canvas.fitted
    assert canvas.visible.contains(QRectF(-0.5, -0.5, 80, 60))


def test_repaints_without_a_new_view_convert_nothing(canvas):
    grab(canvas)
    before = canvas.picture.conversions
    canvas.draft.prompts.show_prompts(Prompts((Point(20, 20),), Box(10, 10, 30, 30)))
    grab(canvas)
    canvas.pan_by(QPointF(3, 3))
    grab(canvas)
    assert canvas.picture.conversions == before


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_every_pixel_type_is_shown_through_the_contrast(canvas, dtype):
    plane = (np.arange(80 * 60).reshape(60, 80) % 100).astype(dtype)
    canvas.picture.set_plane(plane, Contrast(0, 100))
    grey = round(255 * float(plane[12, 34]) / 100)
    red, green, blue = colour(grab(canvas), 345, 125)
    assert red == green == blue == pytest.approx(grey, abs=1)


def test_colour_planes_are_shown_in_colour(canvas):
    plane = np.zeros((60, 80, 3), np.uint8)
    plane[10, 20] = (200, 100, 50)
    canvas.picture.set_plane(plane, Contrast(0, 255))
    assert colour(grab(canvas), 205, 105) == (200, 100, 50)
    assert colour(grab(canvas), 215, 105) == (0, 0, 0)


def test_a_large_plane_is_converted_only_as_far_as_the_screen_shows_it(canvas, monkeypatch):
    plane = np.zeros((6000, 8000), np.uint16)
    canvas.set_plane_size(8000, 6000)
    canvas.picture.set_plane(plane, Contrast(0, 100))
    converted = []
    monkeypatch.setattr(
        "cellsam_desktop.ui.canvas.plane_item.to_uint8",
        lambda pixels, contrast: (converted.append(pixels.size), to_uint8(pixels, contrast))[1],
    )
    canvas.fit()
    grab(canvas)
    for _ in range(12):
        canvas.zoom_at(QPointF(400, 300), 1.5)
        grab(canvas)
    screen = 800 * 600
    assert converted
    assert max(converted) < 4 * 1.7 * screen
