from __future__ import annotations

from cellsam_desktop.core.wording import counted


def test_one_of_a_thing_has_no_plural():
    assert [counted(n, "z position") for n in (0, 1, 2)] == ["0 z positions", "1 z position", "2 z positions"]
