"""The built program, as a user has it: in a folder of her own, nothing else installed, nobody to ask.

``make bundle-test`` names the built folder in ``CELLSAM_BUNDLE``; without it these tests are passed over.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle.program import Program, isolation
from tests.bundle.screen import Screen, virtual_screen


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The built folder."""
    named = os.environ.get("CELLSAM_BUNDLE")
    if not named:
        pytest.skip("the built program is tested by `make bundle-test`")
    return Path(named).resolve()


@pytest.fixture(scope="session")
def flavour() -> str:
    """What was built."""
    return os.environ.get("CELLSAM_BUNDLE_FLAVOUR", "lean")


@pytest.fixture(scope="session")
def placed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder under a name with spaces and letters that are not ASCII; a link for each file."""
    folder = tmp_path_factory.mktemp("Meine Programme äöü µ 細胞") / "Cell SAM"
    try:
        shutil.copytree(bundle, folder, symlinks=True, copy_function=os.link)
    except (OSError, shutil.Error):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(bundle, folder, symlinks=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # pytest would keep gigabytes


@pytest.fixture(scope="session")
def walls(placed: Path) -> list[str]:
    """What shuts the program in: no network, and a folder that cannot be written to."""
    return isolation(placed)


@pytest.fixture
def program(placed: Path, walls: list[str], tmp_path: Path) -> Iterator[Program]:
    """The program with an empty home; whatever was started is ended."""
    home = tmp_path / "Zuhause ñ"
    home.mkdir()
    suffix = ".exe" if os.name == "nt" else ""
    started = Program(placed / f"cellsam-desktop{suffix}", home, walls)
    yield started
    started.end_all()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """A virtual screen with a mouse and a keyboard."""
    tools = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
    if tools:
        pytest.skip(f"{', '.join(tools)} is missing: sudo apt-get install -y xvfb xdotool")
    folder = tmp_path / "screen"
    folder.mkdir()
    with virtual_screen(folder) as shown:
        yield shown
