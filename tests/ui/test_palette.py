from __future__ import annotations

import numpy as np
from skimage.color import rgb2lab

from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.ui import palette


def test_there_are_255_different_colours_visible_on_dark_images() -> None:
    table = palette.colours()
    assert table.shape == (256, 3)
    assert len({tuple(row) for row in table[1:]}) == 255
    assert tuple(table[0]) == (0, 0, 0)
    luminance = table[1:] @ np.array([0.2126, 0.7152, 0.0722])
    assert luminance.min() > 60


def test_a_colour_belongs_to_an_id_for_ever() -> None:
    assert palette.colour_of(1) == palette.colour_of(256)
    assert palette.colour_of(1) != palette.colour_of(2)
    assert palette.colour_index(255) == 255
    assert palette.colour_index(256) == 1


def test_neighbouring_ids_are_easy_to_tell_apart() -> None:
    first = rgb2lab(palette.colours()[1:21] / 255)
    distances = np.linalg.norm(first[:, None] - first[None], axis=2)
    assert distances[~np.eye(20, dtype=bool)].min() > 20


def test_lut_hides_solos_and_selects() -> None:
    plain = palette.lut(0.4)
    assert plain.shape == (256, 4)
    assert plain[0].tolist() == [0, 0, 0, 0]
    assert set(plain[1:, 3]) == {102}
    assert palette.lut(0.4, hidden={3})[3, 3] == 0
    solo = palette.lut(0.4, solo={3})
    assert solo[3, 3] == 102
    assert solo[4, 3] == 0
    chosen = palette.lut(0.4, selected={3})
    assert chosen[3, 3] > 102
    assert palette.lut(0.4, selected={3}, hidden={3})[3, 3] == 0
    assert palette.lut(1.0, selected={3})[3, 3] == 255


def test_ink_is_readable_on_light_ground() -> None:
    table = palette.colours()[1:]
    dark = palette.ink(table, dark=True)
    assert (dark == table).all()
    light = palette.ink(table, dark=False).astype(int)
    assert (light.max(axis=1) + light.min(axis=1)).max() / 510 < palette.LIGHTEST_INK + 0.01
    np.testing.assert_array_equal(light.argmax(axis=1), table.argmax(axis=1))


def test_the_scale_gets_lighter_in_even_steps() -> None:
    lightness = rgb2lab(palette.scale()[1:255] / 255)[:, 0]
    steps = np.diff(lightness[::23])
    assert (steps > 0).all()
    assert steps.max() / steps.min() < 1.6
    assert palette.colour_at(255, ColourBy.AREA) == (128, 128, 128)
