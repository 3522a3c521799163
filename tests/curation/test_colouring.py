"""The colours of cells follow what the curator chose, and the document."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellsam_desktop.analysis.colouring import NO_VALUE, ColourBy
from cellsam_desktop.core.edits import AddDivision, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.records import MaskRecord, Source
from tests.curation.conftest import Desk, square


@pytest.fixture
def told(desk: Desk, movie_file: Path) -> list[str]:
    """A movie with cell 1 on frame 1, her daughters 2 and 3 on frame 2, and 256; what was told since."""
    desk.open(movie_file)
    for cell_id, t in ((1, 0), (2, 1), (3, 1), (256, 0)):
        assert desk.add_cell(cell_id, PlaneKey(t))
    assert desk.session.commit("Divide", [AddDivision(1, (2, 3))])
    told: list[str] = []
    desk.session.colouring.changed.connect(lambda: told.append("changed"))
    return told


def rows(desk: Desk) -> list[int]:
    return desk.session.colouring.rows([1, 2, 3, 256]).tolist()


def test_by_cell_ids_256_apart_share_a_colour(desk: Desk, told: list[str]) -> None:
    assert rows(desk) == [1, 2, 3, 1]
    desk.add_cell(7)
    assert told == []


def test_by_lineage_every_lineage_has_its_own(desk: Desk, told: list[str]) -> None:
    desk.session.view.set(colour_by=ColourBy.LINEAGE)
    assert rows(desk) == [1, 1, 1, 2]
    assert told == ["changed"]
    desk.session.undo()
    assert rows(desk) == [1, 2, 3, 4]
    assert told == ["changed", "changed"]
    assert desk.session.colouring.legend is None


def test_by_generation(desk: Desk, told: list[str]) -> None:
    desk.session.view.set(colour_by=ColourBy.GENERATION)
    assert rows(desk) == [1, NO_VALUE - 1, NO_VALUE - 1, 1]
    legend = desk.session.colouring.legend
    assert legend is not None
    assert (legend.title, legend.low, legend.high) == ("Generation", 0, 1)


def test_by_a_measurement_once_all_are_measured(desk: Desk, told: list[str]) -> None:
    colouring = desk.session.colouring
    desk.session.view.set(colour_by=ColourBy.AREA)
    assert set(rows(desk)) == {NO_VALUE}
    desk.settle()
    assert told == ["changed", "changed"]
    assert colouring.passes == 1
    assert rows(desk)[1:3] == [NO_VALUE, NO_VALUE]  # not on this frame
    assert colouring.legend is not None
    assert colouring.rows_over_time(1, 0, 1).tolist() == [127, NO_VALUE]


def test_a_changed_mask_is_measured_again_and_no_other(desk: Desk, told: list[str]) -> None:
    session, colouring = desk.session, desk.session.colouring
    session.view.set(colour_by=ColourBy.AREA)
    desk.settle()
    session.commit("Grow", [SetMask(1, PlaneKey(0), MaskRecord(square(10, 10, 20), Source.BRUSH))])
    assert colouring.row(1) == NO_VALUE - 1
    assert colouring.row(256) == 127
    assert colouring.passes == 1
    assert len(told) == 3


def test_what_changes_while_it_measures_is_not_missed(desk: Desk, told: list[str]) -> None:
    session, colouring = desk.session, desk.session.colouring
    session.view.set(colour_by=ColourBy.AREA)
    desk.add_cell(9)
    desk.settle()
    assert colouring.row(9) == 127


def test_by_intensity_the_pixels_are_read_in_the_background(desk: Desk, told: list[str]) -> None:
    session, colouring = desk.session, desk.session.colouring
    session.view.set(colour_by=ColourBy.INTENSITY)
    desk.settle()
    assert session.movie is not None
    plane = session.navigation.plane
    assert plane is not None
    means = [plane[10:15, 10:15].mean(), plane[20:25, 30:35].mean()]
    desk.add_cell(9, x=30, y=20)
    desk.settle()
    assert colouring.passes == 1
    assert [colouring._history(i).at(0) for i in (1, 9)] == means
    assert colouring.legend is not None
    assert (colouring.legend.title, colouring.legend.unit) == ("Intensity", "")


def test_the_choice_is_kept_in_the_project(desk: Desk, told: list[str], movie_file: Path) -> None:
    session = desk.session
    session.view.set(colour_by=ColourBy.GENERATION)
    session.close_movie()
    assert session.colouring.by is ColourBy.CELL
    desk.open(movie_file)
    assert session.colouring.by is ColourBy.GENERATION
    assert rows(desk) == [1, NO_VALUE - 1, NO_VALUE - 1, 1]
