from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.core.edits import AddCell, SetMask
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.records import Cell, MaskRecord, Source
from cellsam_desktop.curation.jobs_bundle import Jobs
from cellsam_desktop.curation.notices import Notice
from cellsam_desktop.curation.session import Session
from cellsam_desktop.jobs.post import PostQueue
from cellsam_desktop.sam.decoder_files import DecoderFiles
from cellsam_desktop.settings import Settings

HEIGHT, WIDTH, FRAMES = 48, 64, 6
FIRST = PlaneKey()


class Desk:
    """A session as a window would hold it, with a queue to pump instead of an event loop."""

    def __init__(self) -> None:
        self.post = PostQueue()
        self.settings = Settings()
        self.session = Session(self.settings, self.post, jobs=Jobs.create(self.settings, self.post))
        self.notices: list[Notice] = []
        self.session.notices.posted.connect(self.notices.append)
        self.missing: list[Path] = []
        self.session.movie_missing.connect(lambda project, link: self.missing.append(project))

    def wait(self, condition: Callable[[], bool], timeout: float = 60) -> None:
        assert self.post.wait_for(condition, timeout), [notice.text for notice in self.notices]

    def settle(self) -> None:
        """Until every job has ended and the plane on screen was read."""
        session = self.session
        self.wait(lambda: not session.jobs.runner.jobs)
        if session.movie is not None:
            self.wait(lambda: session.navigation.plane_index == session.view.index)

    def open(self, path: Path) -> None:
        self.session.open(path)
        self.wait(lambda: not self.session.jobs.runner.jobs)

    def add_cell(self, cell_id: int, key: PlaneKey = FIRST, x: int = 10, y: int = 10) -> bool:
        record = MaskRecord(square(x, y), Source.BRUSH)
        return self.session.commit("Paint", [AddCell(Cell(cell_id)), SetMask(cell_id, key, record)])

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.notices]

    @property
    def errors(self) -> list[str]:
        return [notice.text for notice in self.notices if notice.level == "error"]

    def close(self) -> None:
        self.session.shutdown(discard_unsaved=True)


def square(x: int, y: int, size: int = 5) -> Mask:
    return Mask(y, x, np.ones((size, size), dtype=np.bool_))


def write_movie(
    path: Path, *, frames: int = FRAMES, seed: int = 1, channels: int = 1, depth: int = 1
) -> Path:
    """An ImageJ TIFF uint16, axes TZCYX; every plane differs."""
    rng = np.random.default_rng(seed)
    planes = rng.integers(100, 1000, (frames, depth, channels, HEIGHT, WIDTH)).astype(np.uint16)
    metadata = {"axes": "TZCYX", "unit": "um", "finterval": 30.0}
    tifffile.imwrite(path, planes, imagej=True, metadata=metadata, resolution=(4.0, 4.0))
    return path


@pytest.fixture
def make_desk() -> Iterator[Callable[[], Desk]]:
    desks: list[Desk] = []

    def make() -> Desk:
        desks.append(Desk())
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def movie_file(tmp_path: Path) -> Path:
    return write_movie(tmp_path / "movie.tif")


@pytest.fixture
def movie_writer() -> Callable[..., Path]:
    return write_movie


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Path:
    """One home for tests without a window, so that the decoder is exported and each image encoded once."""
    home = tmp_path_factory.mktemp("shared-home")
    models = home / "data" / "models"
    models.mkdir(parents=True)
    shutil.copyfile(weights, models / weights.name)
    return home


@pytest.fixture(scope="session")
def exported(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> DecoderFiles:
    """MobileSAM's own decoder."""
    from cellsam_desktop.sam.export import ensure_decoder

    return ensure_decoder(weights, "vit_t", tmp_path_factory.mktemp("decoders"))
