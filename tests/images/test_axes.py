from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.axes import interpret, possible_axes
from cellsam_desktop.images.source import MovieInfo, Sizes


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [
        ("YX", (5, 6), "YX"),
        ("IYX", (40, 5, 6), "TYX"),
        ("IYX", (3, 5, 6), "TYX"),
        ("QQYX", (40, 3, 5, 6), "TCYX"),
        ("QQYX", (3, 40, 5, 6), "CTYX"),
        ("QQYX", (40, 20, 5, 6), "TZYX"),
        ("QQQYX", (40, 20, 2, 5, 6), "TZCYX"),
        ("QQQYX", (40, 30, 20, 5, 6), "TZCYX"),
        ("TQYX", (40, 20, 5, 6), "TZYX"),
        ("QZYX", (40, 20, 5, 6), "TZYX"),
        ("ZCQYX", (4, 2, 9, 5, 6), "ZCTYX"),
        ("IYXS", (40, 5, 6, 3), "TYXS"),
        ("TYXS", (40, 5, 6, 2), "TYXC"),
        ("TZCYX", (1, 1, 1, 5, 6), "YX"),
        ("TYX", (4, 1, 1), "TYX"),
    ],
)
def test_interpretation(axes: str, shape: tuple[int, ...], expected: str) -> None:
    layout = interpret(axes, shape, None, "movie.tif")
    assert layout.letters == expected
    assert layout.guessed == any(a not in "TCZYXS" for a in axes)


def test_possible_axes_are_all_accepted() -> None:
    info = MovieInfo(Path("m"), "TIFF", Sizes(t=5, z=4, y=6, x=7), np.dtype(np.uint8), stored_axes="TZYX")
    options = possible_axes(info)
    assert options[0] == "TZYX"
    assert set(options) == {"".join(p) + "YX" for p in permutations("TCZ", 2)}
    for option in options:
        assert interpret("TZYX", (5, 4, 6, 7), option, "m").letters == option


def test_three_channels_may_be_colours() -> None:
    info = MovieInfo(Path("m"), "TIFF", Sizes(t=5, c=3, y=6, x=7), np.dtype(np.uint8), stored_axes="TCYX")
    assert "TSYX" in possible_axes(info)


@given(st.permutations("TCZ"), st.tuples(*[st.integers(2, 4)] * 3), st.integers(0, 5), st.randoms())
def test_planes_are_cut_where_they_belong(
    letters: list[str], lengths: tuple[int, ...], outer: int, dice
) -> None:
    """However many axes count blocks, a plane is the one that plain indexing finds."""
    outer = min(outer, 3)
    data = np.arange(np.prod(lengths) * 6).reshape(*lengths, 2, 3)
    layout = interpret("".join(letters) + "YX", data.shape, None, "m")
    where = {letter: dice.randrange(n) for letter, n in zip(letters, lengths, strict=True)}
    index = PlaneIndex(where["T"], where["C"], where["Z"])
    block = data.reshape(-1, *data.shape[outer:])[layout.number(index, outer)]
    np.testing.assert_array_equal(layout.cut(block, index, outer), data[tuple(where[a] for a in letters)])
