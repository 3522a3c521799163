from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.curation.session import Session
from cellsam_desktop.ui.palette import colour_of
from cellsam_desktop.ui.panels.timeline import Timeline
from cellsam_desktop.ui.panels.timeline.counts import FrameCounts
from cellsam_desktop.ui.panels.timeline.panel import clock
from cellsam_desktop.ui.panels.timeline.plane_choice import channel_names
from cellsam_desktop.ui.panels.timeline.scale import FrameAxis, label_frames, runs
from cellsam_desktop.ui.panels.timeline.strip import MAX_SPANS, FrameStrip, Span, StripContent
from cellsam_desktop.ui.theme import LIGHT, Appearance


def test_frames_and_places_agree() -> None:
    axis = FrameAxis(240, 10, 610)
    for t in (0, 1, 119, 239):
        assert axis.frame_at(axis.middle(t)) == t
    assert axis.frame_at(-50) == 0
    assert axis.frame_at(5000) == 239
    assert FrameAxis(0, 0, 100).frame_at(50) == 0


def test_more_frames_than_pixels_join_in_columns() -> None:
    values = np.zeros(10_000)
    values[5000] = 1.0
    columns = list(FrameAxis(10_000, 0, 500).columns(values))
    assert len(columns) == 1
    left, right, value = columns[0]
    assert left <= 250 <= right + 1
    assert value == 1.0


def test_runs_and_labels() -> None:
    assert runs([0, 1, 2, 5, 7, 8]) == [(0, 2), (5, 5), (7, 8)]
    assert runs([]) == []
    assert label_frames(240, 900) == [0, *range(19, 240, 20)]
    assert label_frames(5, 900) == [0, 1, 2, 3, 4]
    assert label_frames(0, 900) == []


def test_times_are_read_easily() -> None:
    assert [clock(value) for value in (4.5, 90, 3600)] == ["4.5 s", "1:30 min", "1:00:00 h"]


def test_channels_have_names() -> None:
    assert channel_names(("DAPI", ""), 3) == ("DAPI", "Channel 2", "Channel 3")


def test_counts_follow_the_document(ready: Session, put_cell: Callable[..., int]) -> None:
    assert ready.movie is not None
    document = ready.movie.document
    counts = FrameCounts.of(document, 4)
    changed: list[bool] = []
    ready.document_changed.connect(lambda changes: changed.append(counts.update(document, changes)))
    put_cell(5, 5, 3, 3)
    put_cell(5, 15, 3, 3)
    put_cell(5, 5, 4, 4, cell_id=1)
    put_cell(5, 5, 3, 3, t=2, cell_id=1)
    assert counts.per_frame.tolist() == [2, 0, 1, 0]
    assert changed == [True, True, False, True]
    ready.undo()
    assert counts.per_frame.tolist() == [2, 0, 0, 0]
    assert counts.per_frame.tolist() == FrameCounts.of(document, 4).per_frame.tolist()
    assert document.cells_on(PlaneKey(0)) == [1, 2]


# -- the strip -----------------------------------------------------------------------------------------


@pytest.fixture
def strip(qtbot: QtBot, appearance: Appearance) -> FrameStrip:
    strip = FrameStrip()
    qtbot.addWidget(strip)
    strip.resize(500, strip.HEIGHT)
    strip.show()
    qtbot.waitExposed(strip)
    return strip


def test_a_step_does_not_paint_everything_anew(strip: FrameStrip) -> None:
    strip.set_content(StripContent(np.full(240, 3), frozenset(range(100))))
    strip.grab()
    before = strip.renders
    for t in range(50):
        strip.set_current(t)
        strip.grab()
    assert strip.renders == before
    strip.set_spans([Span((255, 0, 0), (3, 4))])
    strip.grab()
    strip.set_spans([Span((255, 0, 0), (3, 4))])
    strip.grab()
    assert strip.renders == before + 1


def test_the_cost_does_not_grow_with_the_cells(strip: FrameStrip) -> None:
    spans = [Span(colour_of(i), tuple(range(i, i + 20))) for i in range(5000)]
    strip.set_spans(spans)
    assert len(strip._spans) == MAX_SPANS


def test_encoded_failed_and_selected_frames_are_seen(strip: FrameStrip) -> None:
    strip.set_content(StripContent(np.array([0, 4, 0, 0]), frozenset({0, 1}), {3: "The plane is damaged."}))
    strip.set_spans([Span((255, 0, 0), (1, 2))])
    strip.set_current(0)
    image = strip.grab().toImage()
    middle = [round(strip.x_of(t)) + 8 for t in range(4)]

    def colour(t: int, y: float) -> str:
        return image.pixelColor(middle[t], int(y)).name()

    window, encoded = LIGHT.window, strip.ENCODED_TOP + 1
    assert colour(0, encoded) == colour(1, encoded) != window
    assert colour(2, encoded) == window
    assert colour(3, encoded) == LIGHT.error
    assert colour(1, strip.SPANS_TOP + 1) == colour(2, strip.SPANS_TOP + 1) == "#ff0000"
    assert colour(0, strip.SPANS_TOP + 1) == window
    assert colour(1, strip.BARS_TOP + 5) != window
    assert colour(2, strip.BARS_TOP + 5) == window
    assert strip.describe(3) == "Frame 4: no masks. The plane is damaged."
    assert strip.describe(1) == "Frame 2: 4 masks, encoded"
    assert strip.describe(2) == "Frame 3: no masks, not encoded yet"


def test_complete_frames_are_green_with_masks_and_without(strip: FrameStrip) -> None:
    strip.set_content(StripContent(np.array([4, 4, 0, 0]), complete=frozenset({1, 2})))
    strip.set_current(3)
    image = strip.grab().toImage()
    foot = strip.BARS_TOP + strip.BARS_HEIGHT - 2
    seen = [image.pixelColor(round(strip.x_of(t)) + 8, foot).name() for t in range(4)]
    assert seen[1] == seen[2] == LIGHT.good
    assert seen[3] == LIGHT.window
    assert seen[0] not in (LIGHT.good, LIGHT.window)
    assert strip.describe(1) == "Frame 2: 4 masks, complete, not encoded yet"


def test_dragging_scrubs(strip: FrameStrip, qtbot: QtBot) -> None:
    strip.set_content(StripContent(np.zeros(10, int)))
    asked: list[int] = []
    strip.scrubbed.connect(asked.append)
    qtbot.mousePress(strip, Qt.MouseButton.LeftButton, pos=QPoint(round(strip.x_of(2)), 20))
    _move(strip, strip.x_of(7), Qt.MouseButton.LeftButton)
    _move(strip, strip.x_of(4), Qt.MouseButton.NoButton)
    assert asked == [2, 7]
    strip.set_content(StripContent())
    _move(strip, strip.x_of(4), Qt.MouseButton.LeftButton)
    assert asked == [2, 7]


def _move(strip: FrameStrip, x: float, buttons: Qt.MouseButton) -> None:
    place = QPointF(x, 20)
    keys = Qt.KeyboardModifier.NoModifier
    move = QMouseEvent(QEvent.Type.MouseMove, place, place, Qt.MouseButton.NoButton, buttons, keys)
    QApplication.sendEvent(strip, move)


# -- the panel -----------------------------------------------------------------------------------------


@pytest.fixture
def timeline(ready: Session, appearance: Appearance, qtbot: QtBot) -> Timeline:
    timeline = Timeline(ready)
    qtbot.addWidget(timeline)
    timeline.resize(900, 70)
    timeline.show()
    qtbot.waitExposed(timeline)
    return timeline


def test_frames_are_counted_from_one(ready: Session, timeline: Timeline) -> None:
    assert timeline.frame_label.text() == "1 / 4"
    ready.navigation.go_to(2)
    assert timeline.frame_label.text() == "3 / 4"
    assert timeline.time_label.text() == "2:00 min"
    ready.editing.set_calibration(Calibration())
    assert timeline.time_label.isHidden()


def test_a_click_goes_to_a_frame(ready: Session, timeline: Timeline, qtbot: QtBot) -> None:
    strip = timeline.strip
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(round(strip.x_of(3)), 20))
    assert ready.view.t == 3


def test_masks_and_selection_are_shown(
    ready: Session, timeline: Timeline, put_cell: Callable[..., int]
) -> None:
    cell = put_cell(5, 5, 3, 3)
    put_cell(5, 5, 3, 3, t=1, cell_id=cell)
    assert timeline.strip._content.counts.tolist() == [1, 1, 0, 0]
    ready.editing.select((cell,))
    assert timeline.strip._spans == (Span(colour_of(cell), (0, 1)),)
    ready.undo()
    assert timeline.strip._spans == (Span(colour_of(cell), (0,)),)
    ready.close_movie()
    assert timeline.strip._content.frames == 0
    assert timeline.frame_label.text() == ""


def test_an_edit_without_new_masks_paints_nothing(
    ready: Session, timeline: Timeline, put_cell: Callable[..., int]
) -> None:
    put_cell(5, 5, 3, 3)
    timeline.grab()
    before = timeline.strip.renders
    put_cell(5, 5, 6, 6, cell_id=1)
    ready.editing.rename(1, "x")
    timeline.grab()
    assert timeline.strip.renders == before


def test_slow_play_is_shown_and_kept(ready: Session, timeline: Timeline) -> None:
    ready.navigation.set_rate(0.5)
    assert timeline.fps.text() == "0.5 fps"
    timeline.fps.editingFinished.emit()  # looked at and left
    assert ready.settings.play_fps == 0.5
    timeline.fps.setValue(0.7)
    assert ready.settings.play_fps == 0.7


def test_play_and_speed(ready: Session, timeline: Timeline, qtbot: QtBot) -> None:
    assert timeline.play.toolTip() == "Play"
    qtbot.mouseClick(timeline.play, Qt.MouseButton.LeftButton)
    assert ready.navigation.playing
    assert timeline.play.toolTip() == "Pause"
    timeline.fps.setValue(20)
    assert ready.settings.play_fps == 20
    ready.navigation.set_rate(12.34)  # which the field shows as 12.3
    assert (ready.settings.play_fps, timeline.fps.value()) == (12.34, 12.3)
    assert ready.navigation.playing
    qtbot.mouseClick(timeline.play, Qt.MouseButton.LeftButton)
    assert not ready.navigation.playing


def test_depth_and_channel_appear_where_there_are_some(
    session: Session, open_movie: Callable[[Path], None], tmp_path: Path, qtbot: QtBot, appearance: Appearance
) -> None:
    timeline = Timeline(session)
    qtbot.addWidget(timeline)
    timeline.show()
    assert not timeline.isEnabled()
    file = tmp_path / "deep.tif"
    data = np.random.default_rng(1).integers(0, 99, (2, 3, 2, 20, 24)).astype(np.uint16)
    tifffile.imwrite(file, data, imagej=True, metadata={"axes": "TZCYX"})
    open_movie(file)
    choice = timeline.planes
    assert choice.z.isVisible()
    assert choice.channel.count() == 2
    choice.z.setValue(2)
    assert session.view.z == 2
    assert choice.z_label.text() == "z 3 / 3"
    session.navigation.step_z(-1)
    assert choice.z.value() == 1
    choice.channel.activated.emit(1)
    assert session.view.c == 1
    session.navigation.set_channel(0)
    assert choice.channel.currentIndex() == 0


def test_a_single_plane_needs_no_choice(timeline: Timeline) -> None:
    assert timeline.planes.isHidden()
