"""Movies to work on, and a curator with the real model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import tifffile
from pytestqt.qtbot import QtBot

from cellsam_desktop.images.sample import write_sample
from tests.e2e.drive import Curator, Labels


@dataclass(frozen=True)
class Case:
    """A movie that may be written beside, and its true labels (T, Y, X)."""

    movie: Path
    tracks: Path
    truth: Labels


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sample movie and its tracks, made once."""
    sample = write_sample(tmp_path_factory.mktemp("sample"))
    return sample.movie, sample.tracks


@pytest.fixture
def sample(sample_files: tuple[Path, Path], tmp_path: Path) -> Case:
    """The sample movie."""
    movie, tracks = sample_files
    copy = tmp_path / "embryo.tif"
    shutil.copyfile(movie, copy)
    return Case(copy, tracks, tifffile.imread(tracks))


@pytest.fixture
def nuclei(shared_data: Path, tmp_path: Path) -> Case:
    """Ten frames of simulated HL60 nuclei."""
    copy = tmp_path / "nuclei.tif"
    folder = shared_data / "movie_nuclei_sim"
    shutil.copyfile(folder / "movie.tif", copy)
    return Case(copy, folder / "tracks.tif", tifffile.imread(folder / "tracks.tif"))


@pytest.fixture
def curator(home_with_weights: Path, qtbot: QtBot) -> Iterator[Callable[[], Curator]]:
    """Makes curators, one after the other; each has a window of its own."""
    made: list[Curator] = []

    def make() -> Curator:
        made.append(Curator())
        return made[-1]

    yield make
    for one in made:
        if one.session.movie is not None or one.session.jobs.encoder.state.kind != "stopped":
            one.session.shutdown(discard_unsaved=True)
            one.close()
