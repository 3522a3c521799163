"""The whole way with real weights: open, encode in the worker, click, accept, step, continue, reopen."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask

BLOBS = ((40, 30), (95, 70))


@pytest.fixture
def blob_movie(tmp_path):
    """Two bright discs on a noisy ground that move by a pixel per frame; also the masks of the first."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:96, :128]
    planes, truth = [], []
    for t in range(3):
        plane = rng.normal(300, 20, rows.shape)
        for x, y in BLOBS:
            inside = (columns - x - t) ** 2 + (rows - y) ** 2 <= 14**2
            plane[inside] += 900
        planes.append(plane.astype(np.uint16))
        truth.append(Mask.from_array((columns - BLOBS[0][0] - t) ** 2 + (rows - BLOBS[0][1]) ** 2 <= 14**2))
    file = tmp_path / "blobs.tif"
    tifffile.imwrite(file, np.stack(planes), imagej=True, metadata={"axes": "TYX"})
    return file, truth


@pytest.mark.usefixtures("home_with_weights")
def test_from_a_click_to_a_cell_over_time(make_desk, blob_movie):
    file, truth = blob_movie
    desk = make_desk()
    session = desk.session
    messages = set()
    session.encoding.changed.connect(lambda: messages.add(session.encoding.message))
    desk.open(file)
    session.jobs.encoder.start()

    x, y = BLOBS[0]
    session.tools.press(x, y, "left")  # long before the encoder is ready
    session.tools.release(x, y)
    assert session.prompting.waiting
    desk.wait(lambda: session.prompting.proposal is not None, timeout=200)
    session.prompting.accept()
    document = session.movie.document
    assert document.cell_ids == [1]
    assert session.view.selection == (1,)
    assert document.record(1, PlaneKey(0)).mask.iou(truth[0]) > 0.85
    assert document.record(1, PlaneKey(0)).decoder == "vit_t"

    session.navigation.step(1)
    session.tools.press(x + 1, y, "left")
    desk.wait(lambda: session.prompting.proposal is not None, timeout=60)
    session.prompting.accept()
    assert document.frames(1) == [0, 1]
    assert document.record(1, PlaneKey(1)).mask.iou(truth[1]) > 0.85
    desk.wait(lambda: session.encoding.encoded_frames == {0, 1, 2}, timeout=60)
    assert "The model is being loaded ..." in messages
    assert session.encoding.message == ""
    assert not desk.errors
    desk.close()

    again = make_desk()
    again.open(file)
    again.session.jobs.encoder.start()
    again.wait(lambda: again.session.encoding.encoded_frames == {0, 1, 2}, timeout=60)
    assert again.session.jobs.encoder.encodes == 0
    assert again.session.movie.document.frames(1) == [0, 1]


@pytest.fixture
def speck_movie(tmp_path):
    """Two frames of 900 x 1100 with a grid of discs of radius 7, and the mask of one of them."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:900, :1100]
    inside = (rows % 60 - 30) ** 2 + (columns % 60 - 30) ** 2 <= 7**2
    planes = [(rng.normal(300, 30, rows.shape) + 500 * inside).astype(np.uint16) for _ in range(2)]
    file = tmp_path / "specks.tif"
    tifffile.imwrite(file, np.stack(planes), imagej=True, metadata={"axes": "TYX"})
    return file, Mask.from_array((columns - 570) ** 2 + (rows - 450) ** 2 <= 7**2)


@pytest.mark.usefixtures("home_with_weights")
def test_small_cells_are_looked_at_closer(make_desk, speck_movie):
    file, truth = speck_movie
    desk = make_desk()
    session = desk.session
    prompting = session.prompting
    desk.open(file)
    session.jobs.encoder.start()
    for x, y in ((510, 390), (630, 510)):
        prompting.add_point(x, y)
        desk.wait(lambda: not prompting.waiting, timeout=200)
        wanted = prompting.answers.wanted
        desk.wait(lambda w=wanted: all(session.encoding.key(session.view.index, r) for r in w), timeout=60)
        desk.wait(lambda: prompting.complete, timeout=60)
        prompting.accept(begin_next=True)
    assert session.movie.document.cell_ids == [1, 2]
    prompting.add_point(570, 450)
    crop, closer = prompting.answers.wanted
    assert closer.height < crop.height < 512
    desk.wait(lambda: prompting.looking in (crop, closer), timeout=60)
    desk.wait(lambda: prompting.complete, timeout=60)
    assert prompting.proposal.mask.iou(truth) > 0.7
    chosen = prompting.looking
    prompting.accept()

    # The same look at the next frame is encoded before anybody clicks there.
    desk.wait(lambda: session.encoding.key(session.view.index._replace(t=1), chosen), timeout=60)
    session.navigation.step(1)
    prompting.add_point(570, 450)
    assert prompting.answers.asked
    desk.wait(lambda: prompting.complete, timeout=60)
    assert prompting.looking in (crop, closer)
    assert prompting.target == 3
    assert not desk.errors


def test_without_weights_everything_but_clicking_works(make_desk, movie_file):
    desk = make_desk()
    desk.open(movie_file)
    desk.session.jobs.encoder.start()
    desk.wait(lambda: desk.session.encoding.worker.kind == "broken", timeout=60)
    assert "models fetch vit_t" in desk.session.encoding.message
    assert desk.session.encoding.message.endswith("Showing, editing, saving and exporting still work.")
    assert desk.add_cell(1)
    assert desk.session.movie.project_path.exists()
