from __future__ import annotations

import numpy as np

from cellsam_desktop.analysis.relinking import neighbours, relink
from cellsam_desktop.core.mask import Mask


def square(x: int, y: int, size: int = 10) -> dict[int, Mask]:
    return {0: Mask(y, x, np.ones((size, size), np.bool_))}


def straight(x: int, y: int, frames: range) -> dict[int, dict[int, Mask]]:
    return {t: square(x + 2 * t, y) for t in frames}


def crossed(at: int, frames: range) -> dict[int, dict[int, dict[int, Mask]]]:
    """Cells 1 and 2, whose masks are mixed up from frame ``at`` on."""
    one, two = straight(0, 0, frames), straight(0, 40, frames)
    return {
        1: {t: (one if t < at else two)[t] for t in frames},
        2: {t: (two if t < at else one)[t] for t in frames},
    }


def test_a_swap_is_mended_and_the_rest_follows():
    found = relink(crossed(4, range(12)), range(4, 8), next_id=9)
    assert found.cell_of == {(t, 1): 2 for t in range(4, 12)} | {(t, 2): 1 for t in range(4, 12)}
    assert found.divisions == []


def test_what_is_right_stays():
    tracks = crossed(0, range(12))
    assert all(cell == key[1] for key, cell in relink(tracks, range(3, 8), next_id=9).cell_of.items())


def test_a_cell_that_became_another_gets_a_new_id():
    """Cell 1 jumps across the image on frame 5: what follows there is somebody else."""
    tracks = {1: {**straight(0, 0, range(5)), **straight(200, 200, range(5, 9))}}
    assert relink(tracks, range(5, 7), next_id=4).cell_of == {(t, 1): 4 for t in range(5, 9)}


def test_a_long_absence_is_no_reason_for_a_new_id():
    tracks = {1: straight(0, 0, range(3)) | straight(0, 0, range(10, 14)), 2: straight(0, 40, range(14))}
    found = relink(tracks, range(10, 13), next_id=4)
    assert {found.cell_of[t, 1] for t in range(10, 14)} == {1}


def test_a_division_is_found_with_the_mother_from_before():
    mother = {t: square(40, 40, 14) for t in range(4)}
    left = {t: square(36 - t, 40) for t in range(4, 8)}
    right = {t: square(48 + t, 42) for t in range(4, 8)}
    found = relink({5: mother | left, 8: right}, range(4, 8), next_id=9)
    assert [(mother, set(daughters)) for mother, daughters in found.divisions] == [(5, {8, 9})]
    assert {found.cell_of[t, 8] for t in range(4, 8)} == {8}
    assert {found.cell_of[t, 5] for t in range(4, 8)} == {9}


def test_two_pieces_of_one_cell_are_joined_under_the_first_id():
    tracks = {1: straight(0, 0, range(5)), 2: straight(0, 0, range(5, 9))}
    assert relink(tracks, range(4, 8), next_id=3).cell_of == {(4, 1): 1} | {(t, 2): 1 for t in range(5, 9)}


def test_neighbours_are_those_that_come_near():
    tracks = {1: straight(0, 0, range(6)), 2: straight(0, 20, range(6)), 3: straight(0, 60, range(6))}
    tracks[4] = {5: square(20, 0)}
    assert neighbours(tracks, [1], range(0, 4), 10.0) == {1, 2}
    assert neighbours(tracks, [1], range(0, 6), 10.0) == {1, 2, 4}
