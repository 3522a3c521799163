from __future__ import annotations

import pytest

from training.series import Place, series_of


def found(*stems: str) -> dict[str, Place]:
    places = series_of(stems, [0] * len(stems))
    return {stem: place for stem, place in zip(stems, places, strict=True) if place is not None}


@pytest.mark.parametrize(
    "stems",
    [
        ("cytomembrane_290", "cytomembrane_309", "cytomembrane_326"),  # images from here and there
        ("IXMtest_A02_s1", "IXMtest_A22_s8", "IXMtest_B20_s2"),  # wells of a plate
        ("2255d5aba044", "2c83c86dd4e5", "5cc036b65f7f"),  # digests
        ("a", "b", "c"),
        ("t1",),
        (),
        ("t1", "t3", "t5"),
    ],
)
def test_images_that_are_no_neighbours(stems: tuple[str, ...]):
    assert found(*stems) == {}


def test_consecutive_numbers_are_a_series():
    assert found("t10", "t9", "t8", "t3") == {
        "t8": Place("t8 to t10", 8),
        "t9": Place("t8 to t10", 9),
        "t10": Place("t8 to t10", 10),
    }


def test_a_gap_makes_two_series():
    places = found("00", "01", "04", "05")
    assert {place.series for place in places.values()} == {"00 to 01", "04 to 05"}


def test_other_numbers_in_the_name_keep_series_apart():
    places = found("exp1_t1_ch00", "exp1_t2_ch00", "exp2_t1_ch00", "exp2_t2_ch00")
    assert {stem: place.series[:4] for stem, place in places.items()} == {
        "exp1_t1_ch00": "exp1",
        "exp1_t2_ch00": "exp1",
        "exp2_t1_ch00": "exp2",
        "exp2_t2_ch00": "exp2",
    }
    assert places["exp2_t2_ch00"].number == 2


def test_files_of_other_sizes_do_not_belong_together():
    assert series_of(["1", "2", "3"], [(5, 5), (5, 5), (6, 5)])[2] is None
