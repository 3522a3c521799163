"""What is far apart is worked on apart, with the same result."""

from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.analysis import appearance, joint
from cellsam_desktop.analysis.appearance import Appearance
from cellsam_desktop.analysis.asking import Reply
from cellsam_desktop.analysis.carried import Carried
from cellsam_desktop.analysis.groups import groups
from cellsam_desktop.analysis.joint import Claim, Obstacle, resolve
from cellsam_desktop.analysis.motion import apart
from cellsam_desktop.analysis.propagation import _expected
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc
from cellsam_desktop.sam.transforms import InputGeometry

LARGE = Region.whole(10_000, 10_000)
CORNERS = (100, 100), (9_900, 120), (150, 9_850), (9_880, 9_870)

_regions = st.builds(Region, st.integers(0, 60), st.integers(0, 60), st.integers(1, 25), st.integers(1, 25))


def together(regions: list[Region]) -> list[list[int]]:
    return [list(range(len(regions)))]


def cell(x: float, y: float, radius: float = 15) -> Mask:
    mask = disc(x, y, radius)
    assert mask is not None
    return mask


def claim(number: int, mask: Mask) -> Claim:
    seen = mask.region.widened(20)
    rows, columns = np.mgrid[:256, :256]
    logits = (60 - np.hypot(rows - 128, columns - 128)).astype(np.float32)
    return Claim(number, mask, Reply(logits, InputGeometry(seen), 0.9))


@given(st.lists(_regions, max_size=12))
def test_groups_share_no_pixel_and_cannot_be_parted(regions):
    found = groups(regions)
    assert sorted(number for group in found for number in group) == list(range(len(regions)))
    place = {number: n for n, group in enumerate(found) for number in group}
    for a, one in enumerate(regions):
        for b, other in enumerate(regions):
            assert one.intersect(other) is None or place[a] == place[b]
    for group in found:
        reached = {group[0]}
        for _ in group:
            reached |= {b for b in group if any(regions[a].intersect(regions[b]) for a in reached)}
        assert reached == set(group)


def test_apart_or_together_the_result_is_the_same(monkeypatch):
    random = np.random.default_rng(4)
    image = random.integers(0, 256, (300, 300, 3), dtype=np.uint8)
    cells = [cell(40, 50), cell(62, 60), cell(200, 180), cell(230, 190), cell(60, 250, 9)]
    claims = [claim(number, mask) for number, mask in enumerate(cells, start=1)]
    plane, fixed, domain = Region.whole(300, 300), [Obstacle(cell(215, 185, 6))], cell(140, 150, 170)

    def outcome():
        like = Appearance(image, cells)
        kept = resolve(claims, plane, fixed, domain, lambda window: like.of(image, window))
        return like.of(image, plane), [each.mask for each in kept]

    odds, masks = outcome()
    assert len(groups([mask.region for mask in cells])) == 3
    monkeypatch.setattr(appearance, "groups", together)
    monkeypatch.setattr(joint, "groups", together)
    expected_odds, expected = outcome()
    np.testing.assert_array_equal(odds, expected_odds)
    for mask, other in zip(masks, expected, strict=True):
        assert mask.region == other.region
        np.testing.assert_array_equal(mask.bits, other.bits)


def test_cells_in_the_corners_of_a_large_plane_take_the_memory_of_their_surroundings():
    image = np.broadcast_to(np.uint8(90), (10_000, 10_000, 3))
    cells = [cell(*corner) for corner in CORNERS]
    assert len(apart(cells)) == 4
    tracemalloc.start()
    like = Appearance(image, cells)
    claims = [claim(number, mask) for number, mask in enumerate(cells, start=1)]
    kept = resolve(claims, LARGE, evidence=lambda window: like.of(image, window))
    carried = [Carried(number, mask) for number, mask in enumerate(cells, start=1)]
    expected = _expected(carried, LARGE, image, image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert all(each.mask is not None for each in kept)
    assert [expected[each.cell_id].region for each in carried] == [mask.region for mask in cells]
    assert peak < 20e6
