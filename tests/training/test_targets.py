from dataclasses import replace

import numpy as np
import pytest
import torch

from cellsam_desktop.core.geometry import Region
from cellsam_desktop.sam.postprocess import region_logits
from tests.training.small import disc, frames
from training.focus import Focus, Samples, by_token
from training.model import in_order
from training.targets import SAMPLES, TargetMaker
from training.views import View


@pytest.fixture
def frame(tmp_path):
    return frames(tmp_path, 1)[0]


def whole(frame, turn=0):
    return View(frame, Region.whole(*frame.shape), turn)


@pytest.mark.parametrize("turn", range(8))
def test_samples_say_what_the_view_shows(frame, turn):
    view = whole(frame, turn)
    targets = TargetMaker().make(view, frame.cells)
    numbers = torch.arange(SAMPLES * SAMPLES)
    for n, cell in enumerate(frame.cells):
        truth = view.truth(cell)
        x, y = targets.part(slice(n, n + 1)).place(numbers).T.numpy()
        inside = (x > -0.5) & (x < truth.shape[1] - 0.5) & (y > -0.5) & (y < truth.shape[0] - 0.5)
        said = targets.truth[n].flatten().numpy() > 0
        # Near an outline, turning may round to the neighbouring pixel.
        right = said[inside] == truth[np.rint(y[inside]).astype(int), np.rint(x[inside]).astype(int)]
        assert right.mean() > 0.97
        assert not targets.share[n].flatten().numpy()[~inside].any()
        rows, columns = np.nonzero(truth)
        assert targets.boxes[n].tolist() == [columns.min(), rows.min(), columns.max(), rows.max()]
        area = float((targets.truth[n] * targets.share[n]).sum())
        assert area == pytest.approx(cell.mask.area, rel=0.1)
    assert float(targets.depth.amax(dim=(1, 2)).min()) == 1


def test_everything_is_counted_once(frame):
    """What lies around the cell and elsewhere adds up to the image."""
    targets = TargetMaker().make(whole(frame), frame.cells)
    total = targets.share.sum(dim=(1, 2)) + targets.elsewhere.sum(dim=(1, 2))
    assert np.allclose(total.numpy(), 120 * 160, rtol=0.02)


def test_unsure_pixels_do_not_count(frame):
    doubtful = replace(frame, unsure=disc(42, 40, 6))
    known, unsure = (TargetMaker().make(whole(own), own.cells[:1]) for own in (frame, doubtful))
    less = float(known.share.sum() - unsure.share.sum())
    assert 30 < less < 120  # less than the disc's 113 pixels: those of the cell are sure
    far = replace(frame, unsure=disc(135, 95, 10))
    apart = TargetMaker().make(whole(far), far.cells[:1])
    assert float(known.elsewhere.sum() - apart.elsewhere.sum()) == pytest.approx(314, rel=0.2)


def test_logits_are_mixed_as_inference_mixes_them(frame):
    view = whole(frame)
    targets = TargetMaker().make(view, frame.cells[:1])
    logits = torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool2d(logits, 9, 1, 4)
    near = targets.near(smooth)[0, 0].flatten().numpy()
    x, y = targets.place(torch.arange(SAMPLES * SAMPLES)).T.numpy()
    inference = region_logits(smooth[0, 0].numpy(), view.geometry, Region.whole(*view.shape))
    rows, columns = np.rint(y).astype(int), np.rint(x).astype(int)
    exact = (np.abs(x - columns) < 0.06) & (np.abs(y - rows) < 0.06)
    assert exact.sum() > 50
    assert np.abs(near[exact] - inference[rows[exact], columns[exact]]).max() < 0.05
    window = smooth[:, :, :170, :170]
    part = targets.near(window, torch.tensor([[0, 0]]))
    assert torch.allclose(part, targets.near(smooth), atol=1e-6)


def test_the_order_of_tokens_is_undone():
    images = torch.rand(2, 256, 256)
    assert torch.equal(in_order(by_token(images).flatten(1)[..., None])[:, 0], images)


class Given:
    """Stands for the decoder: image tokens hold their 16 logits."""

    def mask_weights(self, queries):
        return queries

    def upscale(self, tokens):
        return tokens[..., None]


def test_a_focus_sees_what_the_whole_image_would_show(frame):
    """Around the cell exactly, elsewhere on average."""
    targets = TargetMaker().make(whole(frame), frame.cells[1:2])
    logits = torch.full((1, 256, 256), -1.0)
    logits[:, 40:90, 150:180] = 1
    logits[:, 0:60, 0:80] = 1
    weights = torch.ones(1, 1, 1)
    ious = []
    random = torch.Generator().manual_seed(0)
    for _ in range(200):
        focus = Focus.on(targets, random)
        assert focus.side < 64
        samples = Samples.of(Given(), weights, by_token(logits), targets, focus)
        ious.append(float(samples.iou()))
    everywhere = Focus(torch.zeros(1, 2, dtype=torch.long), 64, torch.zeros(1, 0, dtype=torch.long))
    exact = float(Samples.of(Given(), weights, by_token(logits), targets, everywhere).iou())
    assert 0 < exact < 0.5
    assert np.mean(ious) == pytest.approx(exact, rel=0.05)
