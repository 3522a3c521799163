from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cellsam_desktop.core.edges import border_pieces
from cellsam_desktop.core.mask import Mask


def listed(pieces) -> list[tuple[int, ...]]:
    return sorted(zip(*(part.tolist() for part in pieces), strict=True))


def test_a_rectangle_has_four_pieces():
    across, down = border_pieces(Mask(5, 7, np.ones((2, 3), np.bool_)))
    assert listed(across) == [(0, 0, 3), (2, 0, 3)]
    assert listed(down) == [(0, 0, 2), (3, 0, 2)]


def test_a_hole_has_a_border():
    bits = np.ones((3, 3), np.bool_)
    bits[1, 1] = False
    across, down = border_pieces(Mask(0, 0, bits))
    assert listed(across) == [(0, 0, 3), (1, 1, 2), (2, 1, 2), (3, 0, 3)]
    assert listed(down) == [(0, 0, 3), (1, 1, 2), (2, 1, 2), (3, 0, 3)]


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.booleans()))
def test_every_edge_between_in_and_out_lies_on_one_piece(bits):
    mask = Mask.from_array(bits)
    if mask is None:
        return
    padded = np.pad(mask.bits, 1).astype(int)
    across, down = border_pieces(mask)
    lengths = [int((end - begin).sum()) for _, begin, end in (across, down)]
    assert lengths == [int(np.abs(np.diff(padded, axis=axis)).sum()) for axis in (0, 1)]
