from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.images.sample import SampleMovie, write_sample
from cellsam_desktop.images.sample.lineage import FRAMES, grow_lineage
from cellsam_desktop.images.sample.motion import Motion
from cellsam_desktop.images.sample.nucleus import Nucleus


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleMovie:
    told: list[float] = []
    made = write_sample(tmp_path_factory.mktemp("sample") / "embryo", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    return made


@pytest.fixture(scope="module")
def tracks(sample: SampleMovie) -> np.ndarray:
    return tifffile.imread(sample.tracks)


@pytest.fixture(scope="module")
def lineage(sample: SampleMovie) -> list[tuple[int, int, int, int]]:
    rows = [tuple(map(int, line.split())) for line in sample.lineage.read_text().splitlines()]
    return rows  # type: ignore[return-value]


def test_movie_opens_with_scale(sample: SampleMovie) -> None:
    with open_source(sample.movie) as source:
        info = source.info
        assert (info.sizes.t, info.sizes.y, info.sizes.x) == (FRAMES, 400, 560)
        assert info.dtype == np.uint16
        assert info.stored_axes == "TYX"
        assert info.pixel_size_um == pytest.approx(0.1)
        assert info.frame_interval_s == 120.0
        assert source.read_plane(PlaneIndex(t=FRAMES - 1)).std() > 50


def test_cells_divide_from_two_to_about_thirty(tracks: np.ndarray) -> None:
    counts = [len(np.unique(frame)) - 1 for frame in tracks]
    assert counts[0] == 2
    assert 26 <= counts[-1] <= 34
    assert counts == sorted(counts)


def test_lineage_agrees_with_the_labels(tracks: np.ndarray, lineage: list[tuple[int, int, int, int]]) -> None:
    for label, begin, end, _ in lineage:
        seen = [t for t in range(FRAMES) if (tracks[t] == label).any()]
        assert seen == list(range(begin, end + 1))
    assert {row[0] for row in lineage} == set(np.unique(tracks)) - {0}


def test_a_mother_ends_the_frame_before_her_two_daughters(lineage: list[tuple[int, int, int, int]]) -> None:
    ends = {label: end for label, _, end, _ in lineage}
    daughters: dict[int, list[int]] = {}
    for _, begin, _, parent in lineage:
        if parent:
            assert ends[parent] == begin - 1
            daughters.setdefault(parent, []).append(begin)
    assert daughters
    assert all(len(births) == 2 for births in daughters.values())


def test_each_label_is_one_piece(tracks: np.ndarray) -> None:
    for frame in tracks:
        for label in np.unique(frame)[1:]:
            assert ndimage.label(frame == label)[1] == 1


def test_nuclei_do_not_overlap() -> None:
    random = np.random.default_rng(7)
    cells = grow_lineage(random)
    poses = Motion(cells, random).run()
    nuclei = {cell.id: Nucleus(cell, random) for cell in cells}
    for frame in range(FRAMES):
        covered = np.zeros((400, 560), int)
        for number, pose in poses[frame].items():
            window, _, radius = nuclei[number].draw(pose, frame, margin=4)
            covered[window] += radius < 1.0
        assert covered.max() == 1


def test_cells_move_smoothly(tracks: np.ndarray, lineage: list[tuple[int, int, int, int]]) -> None:
    for label, begin, end, _ in lineage:
        path = np.array([ndimage.center_of_mass(tracks[t] == label) for t in range(begin, end + 1)])
        assert (np.linalg.norm(np.diff(path, axis=0), axis=1) < 30).all()


def test_prompts_are_inside_their_cells(sample: SampleMovie, tracks: np.ndarray) -> None:
    prompts = json.loads(sample.prompts.read_text())
    assert [prompt["id"] for prompt in prompts] == [1, 2]
    for prompt in prompts:
        (point,) = prompt["points"]
        assert prompt["frame"] == 0
        assert point["label"] == 1
        assert tracks[0, point["y"], point["x"]] == prompt["id"]


def digest(sample: SampleMovie) -> str:
    files = (sample.movie, sample.tracks, sample.lineage, sample.prompts)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def test_the_same_bytes_in_another_process(sample: SampleMovie, tmp_path: Path) -> None:
    code = "import sys, pathlib; from cellsam_desktop.images.sample import write_sample; "
    code += "write_sample(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=120)
    again = SampleMovie(*(tmp_path / file.name for file in vars(sample).values()))
    assert digest(again) == digest(sample)


def test_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("cellsam_desktop.images.sample.writing.simulate", lambda *_: ([], None, None))
    with pytest.raises(ImageError, match="choose another folder"):
        write_sample(tmp_path / "file" / "sample")
