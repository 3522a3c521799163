"""What every test stands on: a home of its own, real weights and data, and checks for what is left behind."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from cellsam_desktop import paths
from tests.jobs.encoded import encoded_movie  # noqa: F401  (a fixture)

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("CELLSAM_TEST_DATA") or ROOT.parent / "shared" / "data")
# Looked up now, because each test gets a home of its own.
MODELS = Path(os.environ.get("CELLSAM_TEST_MODELS") or paths.data_dir() / "models")
os.environ["CELLSAM_TEST_MODELS"] = str(MODELS)  # for the processes that tests start

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.load_profile("suite")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty CELLSAM_HOME, so that no test sees or changes what belongs to the user."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CELLSAM_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def weights() -> Path:
    """MobileSAM's real weights, read only."""
    file = MODELS / "mobile_sam.pt"
    if not file.is_file():
        pytest.fail(f"{file} is not there: run `cellsam-desktop models fetch vit_t` (make test does it).")
    return file


@pytest.fixture
def home_with_weights(home: Path, weights: Path) -> Path:
    """This test's home with the default model installed."""
    models = paths.models_dir()
    try:
        (models / weights.name).symlink_to(weights)
    except OSError:  # Windows allows links only to developers
        shutil.copyfile(weights, models / weights.name)
    return home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real microscopy beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real images are not in {SHARED_DATA}")
    return SHARED_DATA


@dataclass(frozen=True)
class Pair:
    """An image or movie and its ground truth."""

    image: Path
    labels: Path


@pytest.fixture(scope="session")
def bacteria_movie(shared_data: Path) -> Pair:
    """26 frames 1305 x 1009, phase contrast, E. coli, with constant ids."""
    folder = shared_data / "movie_bacteria"
    return Pair(folder / "movie.tif", folder / "tracks.tif")


@pytest.fixture(scope="session")
def bacteria_divisions(shared_data: Path) -> Path:
    """The lineage of ``bacteria_movie``: lines of L B E P."""
    return shared_data / "movie_bacteria" / "man_track.txt"


@pytest.fixture(scope="session")
def nuclei_movie(shared_data: Path) -> Pair:
    """10 frames of simulated HL60 nuclei, with constant ids."""
    folder = shared_data / "movie_nuclei_sim"
    return Pair(folder / "movie.tif", folder / "tracks.tif")


@pytest.fixture(scope="session")
def bbbc039(shared_data: Path) -> list[Pair]:
    """20 images 520 x 696 uint16 of nuclei."""
    return _pairs(shared_data / "nuclei_bbbc039")


@pytest.fixture(scope="session")
def dsb2018(shared_data: Path) -> list[Pair]:
    """48 images of many kinds of nuclei, some RGB."""
    return _pairs(shared_data / "nuclei_dsb2018")


@pytest.fixture(scope="session")
def cellpose_images(shared_data: Path) -> list[Pair]:
    """21 RGB images of cells in 7 styles."""
    return _pairs(shared_data / "cells_cellpose")


@pytest.fixture(autouse=True)
def no_open_files(home: Path) -> Iterator[None]:
    """Fail a test that leaves a file of the test or of the real data open."""
    before = _open_files(home.parent)
    yield
    if _open_files(home.parent) - before:
        gc.collect()
        left = _open_files(home.parent) - before
        assert not left, f"left open: {sorted(left)}"


@pytest.fixture(autouse=True)
def no_windows_left() -> Iterator[None]:
    """Fail a test that leaves a window or dialog behind."""
    before = _windows()
    yield
    if _windows() - before:
        gc.collect()
        left = _windows() - before
        assert not left, f"windows left behind: {sorted(map(repr, left))}"


@pytest.fixture
def quiet_root() -> Iterator[None]:
    """Take back what ``logs.configure`` did to this process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


def _pairs(folder: Path) -> list[Pair]:
    labels = {file.stem: file for file in (folder / "labels").iterdir()}
    images = sorted((folder / "images").iterdir())
    return [Pair(image, labels[image.stem]) for image in images if image.stem in labels]


def _open_files(temporary: Path) -> set[str]:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        return set()
    names = set()
    for descriptor in descriptors.iterdir():
        try:
            names.add(str(descriptor.readlink()))
        except OSError:  # the descriptor of this very listing
            continue
    watched = (str(temporary), str(SHARED_DATA))
    return {name for name in names if name.startswith(watched) and not name.endswith(".log")}


def _windows() -> set[object]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return set()
    from PySide6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    kinds = (widgets.QMainWindow, widgets.QDialog)
    return {
        widget
        for widget in widgets.QApplication.topLevelWidgets()
        if widget.isVisible() or (isinstance(widget, kinds) and widget.parent() is None)
    }
