"""Random sequences of transactions, undos and redos keep every rule of the document."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.edits import (
    AddCell,
    AddDivision,
    AddTrack,
    ChangeCell,
    Edit,
    MarkComplete,
    MarkSeen,
    RemoveCell,
    RemoveDivision,
    RemoveTrack,
    SetCalibration,
    SetMask,
)
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.history import History
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from tests.core.rules import Facts, check_rules, facts

RECORDS = [MaskRecord(Mask(y, 2 * y, np.ones((2, 3), np.bool_)), Source.CLICK, y / 10) for y in range(5)]


def transactions(data: bytes, document: Document) -> Iterator[list[Edit]]:
    """Four bytes make one edit, the upper bits of the first say whether the transaction goes on."""
    edits: list[Edit] = []
    for kind, a, b, c in zip(*(iter(data),) * 4, strict=False):
        next_id = document.next_id + sum(isinstance(edit, AddCell | AddTrack) for edit in edits)
        edits.append(edit_of(document, kind % 21, a, b, c, next_id))
        if kind < 192:
            yield edits
            edits = []


def edit_of(document: Document, kind: int, a: int, b: int, c: int, next_id: int) -> Edit:
    cell_id = a % next_id + (a == 255)  # nearly always one that exists or existed
    match kind:
        case 0 | 1 | 2:
            return AddCell(Cell(next_id if a else cell_id))
        case 3 | 4 | 5 | 6:
            return SetMask(cell_id, PlaneKey(b % 6, c % 2), RECORDS[c % 5], seen=c > 200)
        case 7 | 8:
            return SetMask(cell_id, PlaneKey(b % 6, c % 2), None)
        case 9:
            return RemoveCell(cell_id)
        case 10 | 11 | 12:
            return AddDivision(cell_id, (b % next_id, c % next_id))
        case 13:
            return RemoveDivision(cell_id)
        case 14:
            return ChangeCell(Cell(cell_id, f"name {b}", locked=c > 200))
        case 15:
            track = {PlaneKey(t, c % 2): RECORDS[t % 5] for t in range(b % 6, b % 6 + c % 4)}
            seen = frozenset(list(track)[:2])
            return AddTrack(Cell(next_id if a else cell_id, locked=c > 250), track, seen)
        case 16:
            return RemoveTrack(cell_id, frozenset(list(document.track(cell_id))[: 9 if b else 1]))
        case 17 | 18:
            keys = frozenset(list(document.track(cell_id))[: b % 4])
            return MarkSeen(cell_id, keys if c % 9 else keys | {PlaneKey(b % 6)}, seen=c % 3 > 0)
        case 19:
            return MarkComplete(frozenset({PlaneKey(b % 6), PlaneKey(b % 6, c % 2)}), complete=c % 3 > 0)
        case _:
            return SetCalibration(Calibration(pixel_size_um=b / 10))


def check_covered(before: Facts, after: Facts, changes: ChangeSet) -> None:
    """A change set names everything that differs."""
    cells = {*before[0], *after[0]}
    assert {i for i in cells if before[0].get(i) != after[0].get(i)} <= changes.cells
    for i in cells:
        old, new, marks = before[1].get(i, {}), after[1].get(i, {}), before[2].get(i, set())
        changed = {key for key in {*old, *new} if old.get(key) is not new.get(key)}
        assert changed <= changes.places.get(i, set())
        assert marks ^ after[2].get(i, set()) <= changes.places.get(i, set()) | changes.seen.get(i, set())
    assert {mother for mother, _ in set(before[3]) ^ set(after[3])} <= changes.lineage
    assert before[4] == after[4] or changes.calibration
    assert before[5] ^ after[5] <= changes.complete


@settings(max_examples=80)
@given(st.binary(max_size=120))
def test_undoing_all_gives_the_beginning_and_redoing_all_the_end(data: bytes):
    play(data)


def test_thousands_of_sequences():
    random = Random(1)
    lengths = [play(random.randbytes(4 * random.randrange(12))) for _ in range(1000)]
    assert sum(length > 3 for length in lengths) > 50


def play(data: bytes) -> int:
    """Commit all transactions in ``data``, undo them all, redo them all; returns how many were accepted."""
    document, emitted = Document(), []
    history = History(document)

    def listen(changes: ChangeSet) -> None:
        emitted.append(changes)

    document.changed.connect(listen)
    states, next_id = [facts(document)], document.next_id
    for edits in transactions(data, document):
        try:
            changes = history.commit("step", edits)
        except EditRefused:
            assert facts(document) == states[-1]
        else:
            states.append(facts(document))
            check_covered(states[-2], states[-1], changes)
            assert emitted.pop() is changes
        assert not emitted
        assert document.next_id >= next_id
        next_id = document.next_id
        check_rules(document)
    for state in reversed(states[:-1]):
        assert history.undo() is not None
        assert facts(document) == state
    assert history.undo() is None
    for state in states[1:]:
        assert history.redo() is not None
        assert facts(document) == state
    assert history.redo() is None
    assert document.next_id == next_id
    assert len(emitted) == 2 * (len(states) - 1)
    return len(emitted) // 2


@settings(max_examples=80)
@given(st.binary(max_size=100), st.lists(st.booleans(), min_size=25, max_size=25))
def test_undo_and_redo_between_transactions(data: bytes, undos: list[bool]):
    """Every state is one that was there before, until a new transaction forgets what was undone."""
    document = Document()
    history = History(document)
    past, future = [facts(document)], []
    used: set[int] = set()
    for edits, back in zip(transactions(data, document), undos, strict=False):
        if back and history.undo() is not None:
            future.append(past.pop())
        elif back and history.redo() is not None:
            past.append(future.pop())
        elif not back:
            taken = document.next_id
            try:
                history.commit("step", edits)
            except EditRefused:
                pass
            else:
                past.append(facts(document))
                future.clear()
                assert taken not in used
                used |= set(document.cell_ids)
        assert facts(document) == past[-1]
        assert (history.undo_name is None) == (len(past) == 1)
        assert (history.redo_name is None) == (not future)
        check_rules(document)


def test_names_of_steps():
    document = Document()
    history = History(document)
    assert (history.undo_name, history.redo_name) == (None, None)
    history.commit("first", [AddCell(Cell(1))])
    history.commit("second", [AddCell(Cell(2))])
    assert (history.undo_name, history.redo_name) == ("second", None)
    changes = history.undo()
    assert changes is not None
    assert changes.name == "second"
    assert (history.undo_name, history.redo_name) == ("first", "second")
    history.commit("third", [AddCell(Cell(document.next_id))])
    assert (history.undo_name, history.redo_name) == ("third", None)
    assert document.cell_ids == [1, 3]


def test_a_transaction_applies_whole_or_not_at_all():
    document, emitted = Document(), []
    history = History(document)
    document.changed.connect(emitted.append)
    with pytest.raises(EditRefused, match="no cell 9"):
        history.commit("half", [AddCell(Cell(1)), SetMask(1, PlaneKey(), RECORDS[0]), RemoveCell(9)])
    assert len(document) == 0
    assert document.planes() == []
    assert emitted == []
    assert history.undo_name is None


def test_what_a_change_set_touches():
    document = Document()
    mask, division = SetMask(1, PlaneKey(2, 1), RECORDS[0]), AddDivision(1, (2, 3))
    cells = [AddCell(Cell(i)) for i in (1, 2, 3)]
    changes = History(document).commit("divide", [*cells, mask, division])
    assert changes.name == "divide"
    assert changes.cells == changes.touched_cells == {1, 2, 3}
    assert changes.planes == {PlaneKey(2, 1)}
    assert changes.lineage == {1}
    assert not changes.calibration


def test_transactions_of_a_group_are_one_step():
    document = Document()
    history = History(document)
    history.commit("begin", [AddCell(Cell(1))])
    for t in range(3):
        changes = history.commit(f"frame {t}", [SetMask(1, PlaneKey(t), RECORDS[t])], group="carry")
        assert changes.planes == {PlaneKey(t)}
    assert history.undo_name == "frame 2"
    undone = history.undo()
    assert undone is not None
    assert undone.planes == {PlaneKey(0), PlaneKey(1), PlaneKey(2)}
    assert document.frames(1) == []
    history.redo()
    assert document.frames(1) == [0, 1, 2]


def test_nothing_joins_a_group_after_another_step_an_undo_or_a_redo():
    document = Document()
    history = History(document)

    def paint(t: int, group: object | None = "carry") -> None:
        history.commit("paint", [SetMask(1, PlaneKey(t), RECORDS[0])], group=group)

    def undone() -> int:
        return history.undo().mask_count

    history.commit("begin", [AddCell(Cell(1))])
    paint(0)
    paint(1)
    history.undo()
    history.redo()
    paint(2)
    paint(3, group=None)
    paint(4, group=None)
    paint(5)
    paint(6, group="other")
    history.undo()
    paint(7)
    assert [undone() for _ in range(7)] == [1, 1, 1, 1, 1, 2, 0]


def test_a_refused_transaction_leaves_its_group_open():
    document = Document()
    history = History(document)
    history.commit("begin", [AddCell(Cell(1))], group=1)
    with pytest.raises(EditRefused):
        history.commit("more", [RemoveCell(9)], group=1)
    history.commit("more", [AddCell(Cell(2))], group=1)
    history.undo()
    assert len(document) == 0


def test_a_mark_goes_with_its_mask_and_comes_back_with_it():
    document, here, there = Document(), PlaneKey(1), PlaneKey(2)
    history = History(document)
    history.commit("begin", [AddTrack(Cell(1), {here: RECORDS[0], there: RECORDS[1]})])
    changes = history.commit("seen", [MarkSeen(1, frozenset({here, there}))])
    assert changes.seen == {1: {here, there}}
    assert changes.masks == frozenset()
    assert changes.mask_count == 2
    assert changes.touched_cells == {1}
    assert document.snapshot().seen(1) == {here, there}
    history.commit("repaint", [SetMask(1, here, RECORDS[2])])
    assert document.seen(1) == {there}
    history.undo()
    assert document.seen(1) == {here, there}
    history.commit("delete", [RemoveTrack(1, frozenset({here, there}))])
    assert document.seen(1) == frozenset()
    history.undo()
    assert document.is_seen(1, here)
    history.undo()
    assert not document.is_seen(1, here)
    with pytest.raises(EditRefused, match="no mask there"):
        history.commit("seen", [MarkSeen(1, frozenset({PlaneKey(9)}))])


def test_what_a_person_stands_behind():
    propagated = MaskRecord(RECORDS[0].mask, Source.PROPAGATED)
    document = Document()
    history = History(document)
    history.commit("begin", [AddTrack(Cell(1), {PlaneKey(0): RECORDS[0], PlaneKey(1): propagated})])
    assert [document.is_curated(1, PlaneKey(t)) for t in range(3)] == [True, False, False]
    history.commit("seen", [MarkSeen(1, frozenset({PlaneKey(1)}))])
    assert document.is_curated(1, PlaneKey(1))
