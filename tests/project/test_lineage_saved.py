"""Whatever a curator does to tracks, the project file follows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.history import History
from cellsam_desktop.project.store import ProjectStore, everything
from tests.core.random_actions import action, founding
from tests.core.rules import check_rules

from .conftest import facts


@pytest.mark.parametrize("seed", range(8))
def test_the_file_equals_the_document_after_every_action(tmp_path: Path, link, seed: int):
    random, document = Random(seed), Document()
    history, saved = History(document), 0
    with ProjectStore.create(tmp_path / "movie.cellsam", link, document.calibration) as store:
        store.save(document, history.commit("begin", founding(random)))
        for number in range(40):
            changes = act(random, document, history, group=number // 3)
            if changes is not None:
                saved += 1
                store.save(document, changes)
                assert facts(store.load()) == facts(document)
    assert saved > 10
    with ProjectStore.open(tmp_path / "movie.cellsam") as store:
        assert facts(store.load()) == facts(document)


def act(random: Random, document: Document, history: History, group: int):
    chance = random.random()
    if chance < 0.15:
        return history.undo() if history.undo_name != "begin" else None
    if chance < 0.25:
        return history.redo()
    try:
        return history.commit("act", action(random, document), group)
    except EditRefused:
        return None


def test_a_division_that_breaks_the_rules_is_left_out(tmp_path: Path, link, document):
    """As another program may have written it: a mask of the mother when her daughters exist."""
    path = tmp_path / "movie.cellsam"
    with ProjectStore.create(path, link, document.calibration) as store:
        store.save(document, everything(document))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE mask SET t = 2 WHERE cell = 1 AND t = 1")
        connection.commit()
    with ProjectStore.open(path) as store:
        loaded = store.load()
        assert "1 masks or divisions" in store.notice
    check_rules(loaded)
    assert loaded.frames(1) == [0, 2]
    assert loaded.lineage.daughters(1) is None
