"""Cells are carried with the real decoder on real nuclei: exclusive, bounded, divided, or lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile

from cellsam_desktop.analysis.asking import Question, ask
from cellsam_desktop.analysis.propagation import Carried, Fixed, NextFrame, Young, carry, looks_needed
from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.morphology import disc
from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.curation.headless_segment import read_model_image
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.importers.labels import masks_of
from cellsam_desktop.sam.decoder import Answer, Candidate
from cellsam_desktop.sam.transforms import InputGeometry
from tests.conftest import Pair

BEFORE, AFTER = 6, 7


class Nuclei:
    """Two frames, between which cells 6 and 14 divide."""

    def __init__(self, movie: Pair, model: HeadlessModel) -> None:
        with open_source(movie.image) as source:
            self.images = [read_model_image(source, PlaneIndex(t)) for t in (BEFORE, AFTER)]
        self.before, self.after = (
            dict(masks_of(tifffile.imread(movie.labels, key=t), movie.labels)) for t in (BEFORE, AFTER)
        )
        self.plane = Region.whole(*self.images[0].shape[:2])
        self.cells = [Carried(cell_id, mask) for cell_id, mask in self.before.items()]
        self.model = model
        self.everything = Mask(0, 0, np.ones((self.plane.height, self.plane.width), np.bool_))
        self.looks = {
            region: model.look(self.images[1], region) for region in looks_needed(self.plane, self.cells)
        }

    def carry(self, **more) -> NextFrame:
        given = {"plane": self.plane, "image": self.images[1], "previous_image": self.images[0]}
        return carry(self.model.decoder, self.looks, self.cells, **{**given, **more})


@pytest.fixture(scope="module")
def nuclei(nuclei_movie: Pair, weights, tmp_path_factory) -> Nuclei:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLSAM_HOME", str(tmp_path_factory.mktemp("home")))
        return Nuclei(nuclei_movie, HeadlessModel(weights, "vit_t", "cpu", None))


def masks(found: NextFrame) -> list[Mask]:
    return [placed.mask for placed in found.placed] + [mask for split in found.splits for mask in split.masks]


def test_every_cell_is_placed_divided_or_lost_and_no_pixel_is_shared(nuclei: Nuclei):
    found = nuclei.carry()
    ends = [placed.cell_id for placed in found.placed] + [split.mother for split in found.splits]
    assert sorted(ends + [lost.cell_id for lost in found.lost]) == sorted(nuclei.before)
    taken = sum(mask.to_plane(nuclei.plane.height, nuclei.plane.width).astype(int) for mask in masks(found))
    assert taken.max() == 1
    ious = [placed.mask.iou(nuclei.after[placed.cell_id]) for placed in found.placed]
    assert np.mean(ious) > 0.93
    assert all(0.6 < placed.agreement <= 1 for placed in found.placed)


def test_divisions_are_proposed_with_what_would_be_instead(nuclei: Nuclei):
    found = nuclei.carry()
    assert sorted(split.mother for split in found.splits) == [6, 14]
    for split in found.splits:
        assert split.confidence > 0.6
        assert all(0.6 < agreement <= 1 for agreement in split.agreements)
        assert all(max(mask.iou(true) for true in nuclei.after.values()) > 0.85 for mask in split.masks)
        others = [mask for mask in masks(found) if mask not in split.masks]
        assert all(split.instead.overlap(mask) == 0 for mask in others)


def test_a_division_that_came_too_early_is_undone(nuclei: Nuclei):
    """Cell 5 was cut in two on the frame before, although she does not divide."""
    whole = nuclei.before[5]
    left = np.arange(whole.width) < whole.width // 2
    pair = tuple(Mask.from_array(whole.bits & side, whole.y0, whole.x0) for side in (left, ~left))
    young = Young.of(Carried(5, whole), (101, 102), pair)
    others = [cell for cell in nuclei.cells if cell.cell_id != 5]
    daughters = [Carried(101, pair[0]), Carried(102, pair[1])]
    given = {"plane": nuclei.plane, "image": nuclei.images[1], "previous_image": nuclei.images[0]}
    found = carry(nuclei.model.decoder, nuclei.looks, [*others, *daughters], young=[young], **given)
    assert found.undone == [young]
    ends = [placed.cell_id for placed in found.placed] + [split.mother for split in found.splits]
    assert sorted(ends + [lost.cell_id for lost in found.lost]) == sorted(nuclei.before)
    again = next(placed.mask for placed in found.placed if placed.cell_id == 5)
    assert again.iou(nuclei.after[5]) > 0.85


def test_backwards_nothing_divides(nuclei: Nuclei):
    found = nuclei.carry(divisions=False)
    assert found.splits == []
    assert len(found.placed) + len(found.lost) == len(nuclei.before)


def test_fixed_masks_and_the_domain_are_respected(nuclei: Nuclei):
    fixed, domain = nuclei.after[5], disc(250, 250, 200)
    found = nuclei.carry(fixed=[Fixed(fixed)], domain=domain)
    for mask in masks(found):
        assert mask.overlap(fixed) == 0
        assert mask.overlap(domain) == mask.area


def test_what_is_gone_is_lost_with_a_reason(nuclei: Nuclei):
    found = nuclei.carry(fixed=[Fixed(nuclei.everything)])
    assert masks(found) == []
    assert {lost.cell_id for lost in found.lost} == set(nuclei.before)
    assert all(lost.reason.endswith(".") for lost in found.lost)


def test_a_fixed_mask_that_held_the_cells_before_is_not_in_their_way(nuclei: Nuclei):
    free = nuclei.carry()
    found = nuclei.carry(fixed=[Fixed(nuclei.everything, nuclei.everything)])
    assert len(found.lost) == len(free.lost)
    for mask, other in zip(masks(found), masks(free), strict=True):
        assert mask.same_pixels(other)


def test_only_who_lay_with_a_mask_passes_through_it():
    shell, before = Mask(0, 0, np.ones((50, 50), np.bool_)), Mask(0, 0, np.ones((60, 50), np.bool_))
    cell = Mask(20, 20, np.ones((10, 10), np.bool_))
    assert Fixed(shell, before).lay_with(cell)
    assert Fixed(cell, cell).lay_with(shell)
    assert not Fixed(shell, None).lay_with(cell)
    assert not Fixed(shell, before.moved(28, 0)).lay_with(cell)  # two rows in common


def test_without_images_cells_go_on_as_before(nuclei: Nuclei):
    found = nuclei.carry(image=None, previous_image=None, divisions=False)
    ious = [
        placed.mask.iou(nuclei.after[i]) for placed in found.placed if (i := placed.cell_id) in nuclei.after
    ]
    assert np.mean(ious) > 0.85


def test_agreement_is_the_likeness_of_a_mask_to_the_plausible_candidates():
    def candidate(rows: int, predicted_iou: float) -> Candidate:
        logits = np.full((256, 256), -1, np.float32)
        logits[:rows, :10] = 1
        return Candidate(logits, predicted_iou)

    class Decoder:
        def decode_many(self, image, geometry, prompts, hints):
            return [Answer((candidate(20, 0.9), candidate(10, 0.85), candidate(5, 0.7)))] * len(prompts)

    plane = Region.whole(512, 512)
    geometry = InputGeometry(plane)
    mask = Mask(0, 0, np.ones((40, 20), np.bool_))  # 20 x 10 logits
    [reply] = ask(Decoder(), {plane: (None, geometry)}, [Question(mask)])
    assert len(reply.plausible) == 2
    assert reply.agreement(mask) == pytest.approx(0.75)
    assert reply.agreement(Mask(100, 0, mask.bits)) == 0
    assert replace(reply, plausible=()).agreement(mask) is None


def test_no_cells_need_no_looks():
    plane = Region.whole(100, 100)
    assert looks_needed(plane, []) == ()
    assert carry(None, {}, [], plane=plane).placed == []


def test_cells_that_all_head_out_of_the_image_are_lost():
    plane, image = Region.whole(64, 64), np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    cells = [Carried(number, disc(8, 15 * number, 5), (0.0, -30.0)) for number in (1, 2, 3)]
    assert looks_needed(plane, cells) == ()
    found = carry(None, {}, cells, plane=plane, image=image, previous_image=image)
    assert (found.placed, found.splits) == ([], [])
    assert [lost.cell_id for lost in found.lost] == [1, 2, 3]
    assert all("left the image" in lost.reason for lost in found.lost)


def test_the_looks_of_many_cells_are_chosen_as_of_few():
    """Most cells first, and of equally good looks the first that was offered."""
    rng = np.random.default_rng(2)
    plane = Region.whole(2000, 2000)
    cells = [Carried(i, disc(*rng.uniform(20, 1980, 2), 10)) for i in range(1, 400)]
    boxes = [cell.mask.region for cell in cells]
    looks = looks_needed(plane, cells)
    covered: set[Region] = set()
    gains = []
    for look in looks:
        held = {box for box in boxes if look.intersect(box) == box}
        gains.append(len(held - covered))
        covered |= held
    assert covered == set(boxes)
    assert gains == sorted(gains, reverse=True)
    assert gains[-1] > 0


def test_few_looks_hold_all_cells():
    plane = Region.whole(4000, 4000)
    cells = [Carried(i, disc(1500 + 40 * i, 1500 + 30 * (i % 3), 15)) for i in range(1, 9)]
    looks = looks_needed(plane, cells)
    assert len(looks) <= 2
    assert all(any(look.intersect(c.mask.region) == c.mask.region for look in looks) for c in cells)
