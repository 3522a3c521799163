from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from cellsam_desktop.analysis.measure import Measurement
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.records import Calibration, Source
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.panels.cell import CellPanel
from cellsam_desktop.ui.panels.cell.axis import ticks_between
from cellsam_desktop.ui.panels.cell.panel import MAX_CURVES
from cellsam_desktop.ui.panels.cell.plots import CellPlot, Curve
from cellsam_desktop.ui.panels.cell.series import track_of
from cellsam_desktop.ui.panels.cell.values import NO_VALUE
from cellsam_desktop.ui.theme import Appearance


@pytest.fixture
def panel(ready: Session, appearance: Appearance, put_cell: Callable[..., int], qtbot: QtBot) -> CellPanel:
    """Cell 1 on frames 1, 2 and 4, moving right and growing; cell 2 on frame 1."""
    put_cell(10, 10, 4, 4)
    put_cell(10, 20, 4, 6, t=1, cell_id=1)
    put_cell(10, 40, 4, 8, t=3, cell_id=1)
    put_cell(30, 30, 2, 2)
    panel = CellPanel(ready)
    qtbot.addWidget(panel)
    panel.resize(360, 420)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def _measured(t: int, z: int, x: float, area: int) -> Measurement:
    return Measurement(1, t, z, x, 2.0, area, None, Source.CLICK, Region(0, 0, 1, 1))


def _settle() -> None:
    """Let the page turn and the plots be drawn, each in an event of its own."""
    for _ in range(3):
        QApplication.processEvents()


def _drawn(plot: CellPlot) -> int:
    _settle()
    return sum(curve.isVisible() for curve in plot._curves)


def test_a_gap_interrupts_the_curves() -> None:
    track = track_of(
        1, [_measured(0, 0, 1.0, 4), _measured(1, 0, 2.0, 4), _measured(5, 0, 3.0, 4)], Calibration()
    )
    assert track.t[[0, 1, 3]].tolist() == [0, 1, 5]
    assert np.isnan(track.t[2])
    assert track_of(1, [], Calibration()).t.size == 0


def test_masks_of_one_frame_count_together() -> None:
    track = track_of(1, [_measured(0, 0, 0.0, 10), _measured(0, 1, 4.0, 30)], Calibration(0.5))
    assert track.x.tolist() == [1.5]
    assert track.area.tolist() == [10.0]


def test_values_of_the_selected_cell(ready: Session, panel: CellPanel) -> None:
    assert panel.values.title.text() == "No cell selected"
    ready.editing.select((1,))
    values = panel.values
    assert values.title.text() == "Cell 1"
    assert values.note.text() == "frames 1–4, 3 masks"
    assert values.lines["Centroid"].text() == "x 11.5, y 11.5 px  (5.75, 5.75 µm)"
    assert values.lines["Area"].text() == "16 px  (4.00 µm²)"
    assert values.lines["Source"].text() == "Brush"
    assert values.lines["Predicted IoU"].text() == NO_VALUE
    ready.navigation.go_to(1)
    assert values.lines["Area"].text() == "24 px  (6.00 µm²)"
    ready.navigation.go_to(2)
    assert values.lines["Centroid"].text() == "no mask on frame 3"
    ready.editing.set_calibration(Calibration())
    ready.navigation.go_to(3)
    assert values.lines["Area"].text() == "32 px"


def test_several_cells_are_summed_up(ready: Session, panel: CellPanel) -> None:
    ready.editing.select((1, 2))
    assert panel.values.title.text() == "2 cells selected"
    assert panel.values.note.text() == "2 on this frame"
    assert panel.values.lines["Area"].text() == "10 px  (2.50 µm²) on average"
    ready.navigation.go_to(2)
    assert panel.values.note.text() == "0 on this frame"


def test_only_selected_cells_are_drawn_again(
    ready: Session, panel: CellPanel, put_cell: Callable[..., int]
) -> None:
    ready.editing.select((1,))
    _settle()
    before = panel.area.redraws, panel.place.redraws
    put_cell(30, 30, 3, 3, cell_id=2)
    ready.navigation.step(1)
    ready.navigation.step(1)
    _settle()
    assert (panel.area.redraws, panel.place.redraws) == before
    put_cell(10, 10, 5, 5, cell_id=1)
    _settle()
    assert panel.area.redraws == before[0] + 1
    assert panel.values.lines["Centroid"].text() == "no mask on frame 3"


def test_plots_are_drawn_once_for_many_changes_and_only_when_seen(ready: Session, panel: CellPanel) -> None:
    for chosen in (1,), (2,), (1, 2):
        ready.editing.select(chosen)
    assert (panel.area.redraws, panel.place.redraws) == (0, 0)
    assert (_drawn(panel.area), panel.area.redraws) == (2, 1)
    panel.tabs.setCurrentIndex(1)
    ready.editing.select((1,))
    assert (_drawn(panel.area), panel.area.redraws) == (2, 1)
    panel.tabs.setCurrentIndex(0)
    assert (_drawn(panel.area), panel.area.redraws) == (1, 2)


def test_values_that_come_and_go_do_not_move_the_plots(ready: Session, panel: CellPanel) -> None:
    places = []
    for chosen in (1,), (1, 2), (), (2,):
        ready.editing.select(chosen)
        _settle()
        places.append(panel.pages.geometry())
    assert len(set(map(str, places))) == 1


def test_ticks_are_round_numbers() -> None:
    assert ticks_between(0.9, 5.2, 4) == [2, 4]
    assert ticks_between(5.2, 0.9, 5) == [1, 2, 3, 4, 5]
    assert ticks_between(0, 2, 8) == [0, 0.5, 1, 1.5, 2]
    assert ticks_between(0, 2, 8, whole=True) == [0, 1, 2]
    assert ticks_between(-3e6, 3e6, 3) == [-2e6, 0, 2e6]
    assert ticks_between(3, 3, 4) == []


def test_curves_are_in_physical_units(ready: Session, panel: CellPanel) -> None:
    ready.editing.select((1,))
    assert _drawn(panel.area) == 1
    x, area = panel.area._curves[0].getData()
    assert x[[0, 1, 3]].tolist() == [1, 2, 4]
    assert area[[0, 1, 3]].tolist() == [4.0, 6.0, 8.0]
    assert "µm²" in panel.area.getAxis("left").labelText
    assert _drawn(panel.place) == 2
    panel.place_choice.setCurrentText(Curve.PATH.value)
    assert _drawn(panel.place) == 1
    assert panel.place.getAxis("bottom").labelText == "x (µm)"


def test_a_click_in_a_plot_goes_to_the_frame(ready: Session, panel: CellPanel, qtbot: QtBot) -> None:
    ready.editing.select((1,))
    qtbot.wait(50)
    place = panel.area.mapFromScene(panel.area.plotItem.vb.mapViewToScene(QPointF(4, 6)))
    qtbot.mouseClick(panel.area.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert ready.view.t == 3
    panel.place.set_curve(Curve.PATH)
    assert panel.place.frame_at(10.4, 5.9) == 1  # nearest to the centroid of frame 2


def test_the_current_frame_is_marked(ready: Session, panel: CellPanel) -> None:
    ready.editing.select((1,))
    ready.navigation.go_to(1)
    _settle()
    assert panel.area._line.value() == 2
    assert [tuple(spot.pos()) for spot in panel.area._dots.points()] == [(2.0, 6.0)]


def test_the_table_is_copied_with_its_header(ready: Session, panel: CellPanel) -> None:
    ready.editing.select((1,))
    panel.tabs.setCurrentIndex(1)
    panel.table.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    header = lines[0].split("\t")
    assert header[:3] == ["frame", "time_s", "id"]
    assert {"centroid_x_px", "centroid_x_um", "area_um2"} <= set(header)
    assert len(lines) == 4
    row = dict(zip(header, lines[2].split("\t"), strict=True))
    assert (row["frame"], row["area_px"], row["area_um2"]) == ("1", "24", "6")
    panel.table.selectRow(1)
    panel.table.copy()
    assert QGuiApplication.clipboard().text().splitlines() == [lines[0], lines[2]]


def test_ctrl_c_copies(ready: Session, panel: CellPanel, qtbot: QtBot) -> None:
    ready.editing.select((2,))
    panel.tabs.setCurrentIndex(1)
    _settle()
    panel.activateWindow()
    panel.table.setFocus()
    QGuiApplication.clipboard().clear()
    qtbot.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().startswith("frame\t")


def test_a_double_click_in_the_table_goes_to_the_frame(
    ready: Session, panel: CellPanel, qtbot: QtBot
) -> None:
    ready.editing.select((1,))
    panel.tabs.setCurrentIndex(1)
    place = panel.table.visualRect(panel.table.rows.index(2, 0)).center()
    qtbot.mouseDClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert ready.view.t == 3


def test_the_selected_cells_are_exported(
    ready: Session, panel: CellPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    ready.editing.select((1,))
    out = tmp_path / "one.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    panel.export.click()
    qtbot.waitUntil(lambda: not ready.jobs.runner.jobs)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["1", "1", "1"]


def test_very_many_selected_cells_are_not_all_drawn(
    ready: Session, panel: CellPanel, put_cell: Callable[..., int]
) -> None:
    ids = [put_cell(0, 0, 2, 2) for _ in range(MAX_CURVES + 5)]
    ready.editing.select(ids)
    assert _drawn(panel.area) == MAX_CURVES
    assert panel.limit_note.text() == f"first {MAX_CURVES} of {MAX_CURVES + 5}"


def test_long_tracks_are_measured_in_several_events(
    ready: Session, panel: CellPanel, put_cell: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cellsam_desktop.ui.panels.cell.panel._SLICE_S", 0.0)
    ids = [put_cell(0, 0, 2, 2) for _ in range(4)]
    ready.editing.select(ids)
    assert ready.movie is not None
    measured = ready.movie.measurements.measured
    assert len(panel._measured) == 1
    for _ in range(10):
        _settle()
    assert _drawn(panel.area) == 4
    assert ready.movie.measurements.measured == measured + 3
    assert panel.area.redraws == 1


def test_undo_and_closing_leave_nothing_behind(ready: Session, panel: CellPanel) -> None:
    ready.editing.select((2,))
    ready.undo()
    assert ready.view.selection == ()
    assert panel.values.title.text() == "No cell selected"
    ready.editing.select((1,))
    panel.tabs.setCurrentIndex(1)
    assert panel.table.rows.rowCount() == 3
    ready.close_movie()
    assert panel.values.title.text() == "No cell selected"
    assert panel.table.rows.rowCount() == 0


def test_curves_keep_their_colours_readable_on_light_ground(
    ready: Session, panel: CellPanel, appearance: Appearance, qtbot: QtBot
) -> None:
    light = [panel.area._ink(i).lightnessF() for i in range(1, 256)]
    assert max(light) < 0.45
    appearance.choose("dark")
    qtbot.waitUntil(lambda: panel.area._ink(5).lightnessF() > 0.45)


def test_speed_and_displacement_in_units_of_the_scale() -> None:
    rows = [_measured(0, 0, 1.0, 4), _measured(1, 0, 3.0, 4), _measured(5, 0, 2.0, 4)]
    plain = track_of(1, rows, Calibration())
    np.testing.assert_array_equal(plain.speed, [np.nan, 2.0, np.nan, 0.25])
    np.testing.assert_array_equal(plain.displacement, [0.0, 2.0, np.nan, 1.0])
    scaled = track_of(1, rows, Calibration(pixel_size_um=0.5, frame_interval_s=30.0))
    np.testing.assert_array_equal(scaled.speed, [np.nan, 2.0, np.nan, 0.25])
    np.testing.assert_array_equal(scaled.displacement, [0.0, 1.0, np.nan, 0.5])


def test_the_lower_plot_shows_what_is_chosen(ready: Session, panel: CellPanel) -> None:
    ready.editing.select((1,))
    _settle()
    panel.place_choice.setCurrentText(Curve.SPEED.value)
    assert _drawn(panel.place) == 1
    assert panel.place.getAxis("left").labelText == "Speed (µm/min)"
    assert panel.place.frame_at(2.2, 0.0) == 1


def test_several_cells_are_named_beside_their_colours(ready: Session, panel: CellPanel) -> None:
    ready.editing.rename(2, "AB <1>")
    ready.editing.select((1,))
    assert not panel.legend.isVisible()
    ready.editing.select((1, 2))
    _settle()
    assert panel.legend.isVisible()
    assert "Cell&nbsp;1" in panel.legend.text()
    assert "AB&nbsp;&lt;1&gt;" in panel.legend.text()


def test_what_takes_long_is_measured_in_the_background(
    ready: Session, panel: CellPanel, qtbot: QtBot
) -> None:
    ready.editing.select((1,))
    _settle()
    assert panel._curves.passes == 0
    for curve, values in (
        (Curve.PERIMETER, [6.0, 8.0, np.nan, 10.0]),
        (Curve.NEIGHBOURS, [0, 0, np.nan, 0]),
        (Curve.INTENSITY, [1150.0, 3250.0, np.nan, 7350.0]),
    ):
        told = panel.place.redraws
        panel.place_choice.setCurrentText(curve.value)
        qtbot.waitUntil(lambda curve=curve: bool(panel._curves.values))
        _settle()
        assert panel.place.redraws > told
        np.testing.assert_allclose(panel.place._curves[0].getData()[1], values)
    assert panel._curves.passes == 3
    panel.place_choice.setCurrentText(Curve.SPEED.value)
    assert panel._curves.values == {}
