"""What the encoder is asked for, against a client whose worker is not started."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey, Region
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.draft import Step
from cellsam_desktop.jobs.targets import EncodeTarget
from cellsam_desktop.sam.crops import looks_covering, looks_for
from tests.curation.conftest import Desk, square

HEIGHT, WIDTH, FRAMES = 1000, 1400, 8
PLANE = Region.whole(HEIGHT, WIDTH)
DIAMETER = 20
HERE = PlaneIndex(0)


@pytest.fixture
def wide(desk: Desk, tmp_path: Path) -> Desk:
    """A movie of eight frames in which cells of 20 pixels are small."""
    file = tmp_path / "wide.tif"
    tifffile.imwrite(file, np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8), imagej=True, metadata={"axes": "TYX"})
    desk.open(file)
    return desk


def queue(desk: Desk) -> list[EncodeTarget]:
    return list(desk.session.jobs.encoder._queue)


def regions(desk: Desk, index: PlaneIndex = HERE) -> list[Region]:
    return [target.region for target in queue(desk) if target.index == index]


def encode(desk: Desk, index: PlaneIndex = HERE, region: Region = PLANE) -> None:
    desk.session.jobs.encoder.encoded.emit(EncodeTarget(index, region), f"key of {region} at {index}")


def looks_at(desk: Desk, x: float, y: float) -> tuple[Region, ...]:
    prompts = Prompts((Point(x, y),))
    return looks_for(PLANE, prompts, desk.session.memory.diameter, desk.session.questions.view)


def accept_cells(desk: Desk, count: int = 3) -> None:
    """Cells whose size makes a crop worth while."""
    edits = []
    for cell_id in range(1, count + 1):
        record = MaskRecord(square(40 * cell_id, 50, DIAMETER), Source.CLICK)
        edits += [AddCell(Cell(cell_id)), SetMask(cell_id, PlaneKey(), record)]
    assert desk.session.commit("Accept", edits)


def test_the_whole_frame_comes_first_then_what_the_mouse_points_at(wide: Desk) -> None:
    wide.session.agenda.rest_at(700, 500)
    assert regions(wide)[0] == PLANE
    assert set(looks_at(wide, 700, 500)) <= set(regions(wide))
    assert len(looks_at(wide, 700, 500)) > 1


def test_cells_accepted_change_where_the_model_looks(wide: Desk) -> None:
    encode(wide)
    accept_cells(wide)
    assert wide.session.memory.diameter == pytest.approx(DIAMETER * 2 / np.pi**0.5)
    wide.session.agenda.rest_at(700, 500)
    crop = looks_at(wide, 700, 500)[0]
    assert crop.height < HEIGHT / 2
    assert crop.contains(700, 500)
    assert regions(wide)[1] == crop
    # The next frames in the direction of play get the same look before those behind them get any.
    order = [target.index.t for target in queue(wide)]
    ahead = [target for target in queue(wide) if target.region == crop]
    assert [target.index.t for target in ahead] == [0, 1, 2]
    assert order.index(3) > queue(wide).index(ahead[-1])


def test_a_click_elsewhere_jumps_the_queue(wide: Desk) -> None:
    accept_cells(wide)
    wide.session.agenda.rest_at(700, 500)
    wide.session.prompting.add_point(1300, 100)
    step = wide.session.prompting.step
    assert step is not None
    assert queue(wide)[0].region == wide.session.questions.wanted(step)[0] == looks_at(wide, 1300, 100)[0]
    wide.session.prompting.clear()
    assert queue(wide)[0].region == PLANE


def test_what_is_seen_of_the_plane_is_encoded_before_anybody_points_there(wide: Desk) -> None:
    accept_cells(wide)
    far = regions(wide)
    wide.session.view.set(viewport=(1000.0, 600.0, 1150.0, 700.0))
    part = wide.session.questions.view
    assert part == Region(600, 1000, 101, 151)
    wanted = looks_covering(PLANE, part, wide.session.memory.diameter)
    assert regions(wide)[: len(wanted) + 1] == [PLANE, *wanted]
    assert not set(wanted) <= set(far)


def test_nothing_is_ordered_anew_while_nothing_matters(wide: Desk) -> None:
    accept_cells(wide)
    agenda = wide.session.agenda
    agenda.rest_at(700, 500)
    orders = agenda.orders
    for n in range(10):
        agenda.rest_at(700 + n / 10, 500)
        wide.session.prompting.hover_at(700 + n, 500)
    wide.session.view.set(opacity=0.3)
    assert agenda.orders == orders
    agenda.rest_at(100, 900)
    assert agenda.orders == orders + 1


def test_looks_that_were_accepted_from_are_wanted_in_the_next_frames(wide: Desk) -> None:
    crop = Region(0, 0, 128, 128)
    wide.session.agenda.remember(crop)
    wide.session.navigation.step(1)
    assert EncodeTarget(PlaneIndex(2), crop) in queue(wide)
    assert EncodeTarget(PlaneIndex(3), crop) in queue(wide)


def test_the_reference_mode_looks_at_whole_frames_only(wide: Desk) -> None:
    accept_cells(wide)
    wide.session.agenda.rest_at(700, 500)
    wide.session.questions.set_reference_mode(True)
    assert wide.settings.reference_mode
    assert {target.region for target in queue(wide)} == {PLANE}
    wide.session.questions.set_reference_mode(False)
    assert len({target.region for target in queue(wide)}) > 1


def test_of_a_very_large_plane_only_what_is_on_screen_is_encoded(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "large.tif"
    tifffile.imwrite(file, np.zeros((6000, 6000), np.uint8), compression="zlib")
    desk.open(file)
    whole = Region.whole(6000, 6000)
    assert whole not in regions(desk)
    accept_cells(desk)
    desk.session.view.set(viewport=(4400.0, 1400.0, 4600.0, 1550.0))
    main = desk.session.questions.main
    assert regions(desk)[0] == main != whole
    assert main.contains(4500, 1475)
    encode(desk, region=main)
    assert desk.session.encoding.encoded_frames == {0}
    assert desk.session.encoding.message == "Preparing the decoder ..."
    desk.session.view.set(viewport=(100.0, 5000.0, 300.0, 5150.0))
    assert desk.session.encoding.encoded_frames == set()
    assert regions(desk)[0] == desk.session.questions.main != main


def test_what_is_encoded_is_made_ready_for_the_decoder(wide: Desk) -> None:
    encode(wide)
    encode(wide, PlaneIndex(1))
    assert list(wide.session.jobs.decoder._ahead) == [wide.session.encoding.key(HERE, PLANE)]
    wide.session.navigation.step(1)
    assert list(wide.session.jobs.decoder._ahead) == [wide.session.encoding.key(PlaneIndex(1), PLANE)]


def test_a_frame_can_be_answered_where_a_crop_of_it_is_encoded(wide: Desk) -> None:
    accept_cells(wide)
    agenda = wide.session.agenda
    crop = looks_at(wide, 700, 500)[0]
    encode(wide, region=crop)
    assert not agenda.answerable
    agenda.rest_at(700, 500)
    assert agenda.answerable
    agenda.rest_at(100, 900)
    assert not agenda.answerable
    encode(wide)
    assert agenda.answerable
    step = Step(Prompts((Point(100, 900),)))
    looks = wide.session.questions.encoded(step, wide.session.questions.wanted(step))
    assert [look.geometry.region for look in looks] == [PLANE]  # until the crop there is encoded


def test_what_cells_are_carried_to_comes_before_the_frame_on_screen_but_after_clicks(wide: Desk) -> None:
    wanted = [EncodeTarget(PlaneIndex(5), Region(0, 0, 512, 512)), EncodeTarget(PlaneIndex(6), PLANE)]
    wide.session.agenda.carry(wanted)
    assert queue(wide)[:2] == wanted
    orders = wide.session.agenda.orders
    wide.session.agenda.carry(wanted)
    assert wide.session.agenda.orders == orders
    wide.session.prompting.add_point(700, 500)
    waited_for = wide.session.prompting.answers.wanted
    assert [target.region for target in queue(wide)[: len(waited_for)]] == list(waited_for)
    assert queue(wide)[len(waited_for) :][:2] == wanted
    wide.session.agenda.carry(())
    assert queue(wide)[0].index == HERE
