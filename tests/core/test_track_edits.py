"""Each action on tracks: what it leaves behind, and why it is refused."""

from __future__ import annotations

import numpy as np
import pytest

from cellsam_desktop.core import track_edits
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import AddDivision, AddTrack, ChangeCell, Edit, MarkSeen, SetMask
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.core.shapes import cut_by_line, cut_by_spots


def record(size: int = 4, x0: int = 0, source: Source = Source.PROPAGATED) -> MaskRecord:
    return MaskRecord(Mask(0, x0, np.ones((size, size), np.bool_)), source, 0.9, agreement=0.8)


@pytest.fixture
def document() -> Document:
    """Cell 1 (frames 0-2) divides into 2 (3-5) and 3 (3-5); 4 is on 0-5 and 5 on 3-4, where it has two z."""
    document = Document()
    spans = {1: (0, 3), 2: (3, 6), 3: (3, 6), 4: (0, 6), 5: (3, 5)}
    edits: list[Edit] = [
        AddTrack(Cell(i), {PlaneKey(t): record(x0=4 * i) for t in range(*span)}) for i, span in spans.items()
    ]
    edits += [SetMask(5, PlaneKey(4, 1), record(x0=20)), AddDivision(1, (2, 3))]
    History(document).commit("make", edits)
    return document


def do(document: Document, edits: list[Edit]) -> None:
    History(document).commit("do", edits)


def refused(act, *arguments, **options) -> EditRefused:
    with pytest.raises(EditRefused) as caught:
        act(*arguments, **options)
    assert str(caught.value).endswith(".")
    return caught.value


def families(document: Document) -> dict[int, tuple[int, int]]:
    return dict(document.lineage.divisions())


# -- divisions -------------------------------------------------------------------------------------


def test_dividing_anew_forgets_what_is_in_the_way_when_forced(document: Document):
    error = refused(track_edits.divide, document, 1, (2, 5))
    assert error.forceable
    assert "Cell 1 divides into Cell 2 and Cell 3, and a cell divides once" in str(error)
    do(document, track_edits.divide(document, 1, (2, 5), force=True))
    assert families(document) == {1: (2, 5)}
    assert document.lineage.mother(3) is None


def test_a_mother_that_lives_too_long_is_cut_when_forced(document: Document):
    do(document, track_edits.undivide(document, 1))
    error = refused(track_edits.divide, document, 4, (2, 3))
    assert "still exists on frame 4" in str(error)
    do(document, track_edits.divide(document, 4, (2, 3), force=True))
    assert document.frames(4) == [0, 1, 2]
    assert families(document) == {4: (2, 3)}


def test_a_mother_that_begins_too_late_is_refused_for_good(document: Document):
    error = refused(track_edits.divide, document, 5, (2, 4), force=True)
    assert not error.forceable
    assert "does not exist before frame 1" in str(error)
    assert "select three cells" in str(refused(track_edits.divide, document, 1, (2, 2)))


def test_a_cell_that_runs_on_becomes_a_daughter(document: Document):
    do(document, track_edits.divide_here(document, 4, 5, 3))
    assert families(document) == {1: (2, 3), 4: (6, 5)}
    assert document.frames(4) == [0, 1, 2]
    assert document.frames(6) == [3, 4, 5]
    assert "exists before frame 5" in str(refused(track_edits.divide_here, document, 4, 5, 4))


def test_refusing_a_division_gives_the_mother_the_union(document: Document):
    assert track_edits.is_proposed(document, 1)
    better = {PlaneKey(3): record(7)}
    do(document, track_edits.refuse_division(document, 1, instead=better))
    assert document.cell_ids == [1, 4, 5]
    assert document.frames(1) == [0, 1, 2, 3, 4, 5]
    assert document.record(1, PlaneKey(3)).mask.area == 49
    assert document.record(1, PlaneKey(4)).mask.region.x0 == 8
    assert document.record(1, PlaneKey(4)).mask.area == 32
    assert "did not divide" in str(refused(track_edits.refuse_division, document, 1))


def test_daughters_that_were_seen_are_not_refused_lightly(document: Document):
    do(document, [MarkSeen(3, frozenset({PlaneKey(3)}))])
    assert not track_edits.is_proposed(document, 1)
    error = refused(track_edits.refuse_division, document, 1)
    assert error.forceable
    assert "Cell 3 has masks that you made or have seen" in str(error)
    do(document, track_edits.refuse_division(document, 1, force=True))
    assert document.cell_ids == [1, 4, 5]


def divide_daughter(document: Document) -> None:
    """Cell 2 ends on frame 4 and divides into 6 and 7, which live on frame 5."""
    edits: list[Edit] = [SetMask(2, PlaneKey(5), None)]
    edits += [AddTrack(Cell(i), {PlaneKey(5): record(x0=i)}, frozenset()) for i in (6, 7)]
    do(document, [*edits, AddDivision(2, (6, 7))])


def test_what_came_of_a_refused_division_goes_with_it(document: Document):
    divide_daughter(document)
    assert track_edits.descendants(document, 1) == [2, 3, 6, 7]
    assert track_edits.is_provisional(document, 1)
    do(document, track_edits.refuse_division(document, 1))
    assert document.cell_ids == [1, 4, 5]
    assert families(document) == {}
    assert document.frames(1) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "touch",
    [ChangeCell(Cell(7, "ABa")), ChangeCell(Cell(7, locked=True)), MarkSeen(7, frozenset({PlaneKey(5)}))],
)
def test_nothing_that_a_person_did_goes_with_a_proposal(document: Document, touch: Edit):
    divide_daughter(document)
    do(document, [touch])
    assert not track_edits.is_provisional(document, 1)
    assert refused(track_edits.refuse_division, document, 1).forceable


def test_a_provisional_division_is_forgotten_whole(document: Document):
    divide_daughter(document)
    do(document, track_edits.forget_descendants(document, 1))
    assert document.cell_ids == [1, 4, 5]
    assert document.frames(1) == [0, 1, 2]
    assert families(document) == {}


# -- identities ------------------------------------------------------------------------------------


def test_linking_moves_masks_marks_division_and_name(document: Document):
    do(document, [ChangeCell(Cell(1, "P0")), MarkSeen(1, frozenset({PlaneKey(2)}))])
    do(document, track_edits.unlink_here(document, [1], 1))
    assert document.frames(1) == [0]
    assert families(document) == {6: (2, 3)}
    assert document.seen(6) == {PlaneKey(2)}
    do(document, [ChangeCell(Cell(1)), ChangeCell(Cell(6, "AB"))])
    do(document, track_edits.link(document, 1, 6))
    assert document.frames(1) == [0, 1, 2]
    assert families(document) == {1: (2, 3)}
    assert document.seen(1) == {PlaneKey(2)}
    assert document.cell(1).name == "AB"
    assert 6 not in document


def test_linking_over_common_planes(document: Document):
    error = refused(track_edits.link, document, 4, 5)
    assert error.forceable
    assert "both have masks on frame 4 and 1 more" in str(error)
    theirs = document.record(5, PlaneKey(3))
    do(document, track_edits.link(document, 4, 5, force=True))
    assert document.record(4, PlaneKey(3)) is theirs
    assert PlaneKey(4, 1) in document.track(4)
    assert document.frames(4) == [0, 1, 2, 3, 4, 5]


def test_linking_a_mother_to_her_daughter_ends_the_division_when_forced(document: Document):
    assert refused(track_edits.link, document, 1, 2).forceable
    do(document, track_edits.link(document, 1, 2, force=True))
    assert document.frames(1) == [0, 1, 2, 3, 4, 5]
    assert families(document) == {}


def test_a_daughter_keeps_her_mother_when_something_continues_her(document: Document):
    do(document, track_edits.unlink_here(document, [2], 4))
    do(document, track_edits.link(document, 2, 6))
    assert families(document) == {1: (2, 3)}
    do(document, track_edits.unlink_here(document, [2], 5))
    do(document, track_edits.link(document, 7, 2))
    assert families(document) == {1: (7, 3)}


def test_merging_unites_masks(document: Document):
    do(document, track_edits.merge_tracks(document, (4, 5)))
    assert 5 not in document
    assert document.record(4, PlaneKey(3)).mask.area == 32
    assert document.record(4, PlaneKey(3)).agreement is None
    assert document.record(4, PlaneKey(5)).agreement == 0.8
    assert document.record(4, PlaneKey(5)).mask.area == 16
    assert "select two" in str(refused(track_edits.merge_tracks, document, (4,)))
    assert refused(track_edits.merge_tracks, document, (2, 3)).forceable


def test_unlinking_where_there_is_nothing_to_unlink(document: Document):
    assert "begins on this frame" in str(refused(track_edits.unlink_here, document, [4], 0))
    assert "no masks from frame 10" in str(refused(track_edits.unlink_here, document, [4], 9))


def test_swapping_takes_later_divisions_along(document: Document):
    do(document, track_edits.swap_from_here(document, 1, 4, 1))
    assert document.record(4, PlaneKey(1)).mask.x0 == 4
    assert document.record(1, PlaneKey(5)).mask.x0 == 16
    assert families(document) == {4: (2, 3)}
    do(document, track_edits.swap_from_here(document, 1, 4, 1))
    assert families(document) == {1: (2, 3)}


def test_a_swap_of_which_one_has_no_future_hands_it_over(document: Document):
    do(document, track_edits.swap_from_here(document, 4, 5, 5))
    assert document.frames(4) == [0, 1, 2, 3, 4]
    assert document.frames(5) == [3, 4, 5]
    assert "link the two instead" in str(refused(track_edits.swap_from_here, document, 1, 5, 3))
    assert "Neither cell" in str(refused(track_edits.swap_from_here, document, 1, 4, 9))


def test_a_swap_that_would_outlive_a_division(document: Document):
    error = refused(track_edits.swap_from_here, document, 1, 4, 4)
    assert error.forceable
    do(document, track_edits.swap_from_here(document, 1, 4, 4, force=True))
    assert families(document) == {}
    assert document.frames(1) == [0, 1, 2, 4, 5]


def test_renaming(document: Document):
    do(document, track_edits.rename(document, 2, "  AB "))
    assert document.cell(2).title == "AB"
    assert track_edits.rename(document, 2, "AB") == []


def test_locked_cells_stay_whatever_is_forced(document: Document):
    do(document, [ChangeCell(Cell(4, locked=True))])
    for act, arguments in [
        (track_edits.link, (1, 4)),
        (track_edits.swap_from_here, (4, 5, 4)),
        (track_edits.merge_tracks, ((5, 4),)),
    ]:
        error = refused(act, document, *arguments, force=True)
        assert "Cell 4 is locked" in str(error)
        assert not error.forceable


# -- masks -----------------------------------------------------------------------------------------


def test_splitting_by_a_line_keeps_the_larger_part(document: Document):
    here = PlaneKey(0)
    parts = cut_by_line(document.record(1, here).mask, (4.5, -9), (4.5, 9))
    do(document, track_edits.split_mask(document, 1, here, parts))
    assert document.record(1, here).mask.area == 12
    assert document.record(6, here).mask.area == 4
    assert document.record(6, here).agreement is None
    assert document.record(6, here).source == document.record(1, here).source == Source.BRUSH
    assert document.frames(6) == [0]
    assert "one side" in str(refused(track_edits.split_mask, document, 1, here, None))
    assert "no mask" in str(refused(track_edits.split_mask, document, 1, PlaneKey(5), parts))


def test_splitting_by_two_clicks_keeps_the_first(document: Document):
    here = PlaneKey(0)
    parts = cut_by_spots(document.record(1, here).mask, (4, 1), (7, 1))
    do(document, track_edits.split_mask(document, 1, here, parts))
    assert document.record(1, here).mask.x0 == 4
    assert document.record(6, here).mask.x0 == 6


def test_gaps_are_filled_with_shapes_in_between(document: Document):
    do(document, track_edits.delete_here(document, [4], PlaneKey(1)))
    do(document, track_edits.delete_here(document, [4], PlaneKey(2)))
    do(document, track_edits.delete_here(document, [4], PlaneKey(4)))
    do(document, track_edits.extend_into_gap(document, [4], 1))
    assert document.frames(4) == [0, 1, 2, 3, 5]
    filled = document.record(4, PlaneKey(1))
    assert filled.source == Source.PROPAGATED
    assert filled.mask.same_pixels(record(x0=16).mask)
    do(document, track_edits.extend_into_gap(document, [4]))
    assert document.frames(4) == [0, 1, 2, 3, 4, 5]
    assert "nothing to fill" in str(refused(track_edits.extend_into_gap, document, [4, 1]))


def test_what_fills_a_gap_leaves_other_cells_their_pixels(document: Document):
    do(document, track_edits.delete_here(document, [4], PlaneKey(1)))
    do(document, [SetMask(1, PlaneKey(1), record(x0=17))])
    do(document, track_edits.extend_into_gap(document, [4]))
    assert document.record(4, PlaneKey(1)).mask.area == 4


def test_deleting_from_here_on_ends_a_cell_and_its_division(document: Document):
    do(document, track_edits.delete_from_here(document, [1, 5], 2))
    assert document.frames(1) == [0, 1]
    assert 5 not in document
    assert families(document) == {}


# -- linking ---------------------------------------------------------------------------------------


def moved(document: Document, cell_id: int, frames: range, new_id: int) -> dict:
    return {(cell_id, key): new_id for key in document.track(cell_id) if key.t in frames}


def test_relabelling_makes_and_empties_cells(document: Document):
    cells = moved(document, 4, range(3, 6), 6) | moved(document, 5, range(6), 4)
    do(document, track_edits.relabel(document, cells))
    assert document.frames(4) == [0, 1, 2, 3, 4]
    assert document.frames(6) == [3, 4, 5]
    assert 5 not in document
    assert families(document) == {1: (2, 3)}


def test_relabelled_divisions(document: Document):
    swap = moved(document, 2, range(6), 4) | moved(document, 4, range(3, 6), 2)
    do(document, track_edits.relabel(document, swap, [(1, (2, 3))], frames=range(6)))
    assert families(document) == {1: (2, 3)}
    assert document.record(2, PlaneKey(3)).mask.x0 == 16


def test_a_division_outside_the_frames_follows_its_masks(document: Document):
    cells = moved(document, 2, range(6), 6)
    do(document, track_edits.relabel(document, cells, frames=range(1)))
    assert families(document) == {1: (6, 3)}
    do(document, track_edits.relabel(document, moved(document, 6, range(6), 7)))
    assert families(document) == {}


def test_impossible_relabelling(document: Document):
    two = moved(document, 4, range(6), 6) | moved(document, 2, range(6), 6)
    assert "cannot become one cell" in str(refused(track_edits.relabel, document, two))
    onto = moved(document, 2, range(6), 4)
    assert "has a mask on frame 4 already" in str(refused(track_edits.relabel, document, onto))
    gone = {(1, PlaneKey(5)): 6}
    assert "has no mask on frame 6" in str(refused(track_edits.relabel, document, gone))
    some = moved(document, 2, range(6), 6)
    assert "cannot divide" in str(refused(track_edits.relabel, document, some, [(4, (6, 3))]))
    do(document, track_edits.delete_from_here(document, [5], 0))
    used = moved(document, 2, range(6), 5)
    assert "was used before" in str(refused(track_edits.relabel, document, used))
