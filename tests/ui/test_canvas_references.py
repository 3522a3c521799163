"""A canary for Qt bindings that lose references: 6.12.0 ends the process after some hundred pans."""

from __future__ import annotations

import sys

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPointF

ROUNDS = 300
pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal since Python 3.12")


def counts() -> tuple[int, ...]:
    return tuple(sys.getrefcount(value) for value in (None, True, False))


def assert_kept(before: tuple[int, ...]) -> None:
    """Each round of a faulty binding loses one to three references; what else happens moves a few."""
    for then, now in zip(before, counts(), strict=True):
        assert abs(now - then) < ROUNDS / 2


def test_panning_the_canvas_loses_no_references(canvas):
    for step in (1, -1):  # once to warm up
        before = counts()
        for n in range(ROUNDS):
            canvas.pan_by(QPointF(step * (1 if n % 2 else -1), step))
            canvas.viewport().repaint()
    assert_kept(before)


def test_ranges_of_plots_lose_no_references(qtbot):
    plot = pg.PlotWidget()
    qtbot.addWidget(plot)
    plot.show()
    for first in (0, ROUNDS):
        before = counts()
        for n in range(first, first + ROUNDS):
            plot.getViewBox().setRange(xRange=(n, n + 10), yRange=(0, n + 1), padding=0)
    assert_kept(before)
