"""Installing on Linux without root, into a home whose name has to be quoted; and removing it again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bundle.program import built_version

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scripts are for Linux")


@pytest.fixture
def user_home(tmp_path: Path) -> Path:
    """A home whose name has to be quoted."""
    folder = tmp_path / r"home of $me & \you"
    folder.mkdir()
    return folder


def script(file: Path, home: Path, **more: str) -> str:
    """Run an installer's script; what it says."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more}
    done = subprocess.run([str(file)], env=environment, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_in(folder: Path) -> set[str]:
    """All files below, but for indexes that the system's tools make and keep."""
    kept = {"mimeinfo.cache", "icon-theme.cache", "mimeapps.list"}
    found = {
        str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() or file.is_symlink()
    }
    return {name for name in found if Path(name).name not in kept and "share/mime/" not in name}


def unquoted(value: str) -> str:
    """What a desktop makes of a command: escapes are taken back once as a value, once within quotes."""
    for _ in range(2):
        value = re.sub(r'\\([\\"`$])', r"\1", value)
    return value


def test_install_start_replace_remove(placed: Path, user_home: Path):
    (user_home / "project.cellsam").write_text("a user's own")
    before = files_in(user_home)
    said = script(placed / "install.sh", user_home)
    local = user_home / ".local"
    assert str(local / "bin" / "cellsam-desktop") in said
    program = local / "bin" / "cellsam-desktop"
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, env={})
    assert answer.stdout == f"cellsam-desktop {built_version(placed)}\n"
    installed, unpacked = (place / "cellsam-desktop" for place in (local / "opt" / "cellsam-desktop", placed))
    assert installed.samefile(unpacked) == (user_home.stat().st_dev == placed.stat().st_dev)

    stale = local / "opt" / "cellsam-desktop" / "of an earlier version"
    stale.write_text("x")
    script(placed / "install.sh", user_home)
    assert not stale.exists()

    said = script(local / "opt" / "cellsam-desktop" / "uninstall.sh", user_home)
    assert str(user_home / ".local/share/cellsam-desktop") in said
    assert files_in(user_home) == before


def test_install_on_another_file_system(placed: Path, flavour: str, user_home: Path):
    """There the files cannot be linked."""
    memory = Path("/dev/shm")
    if flavour == "full" or not memory.is_dir() or shutil.disk_usage(memory).free < 1e9:
        pytest.skip("there is no other file system with enough room")
    assert memory.stat().st_dev != placed.stat().st_dev
    with tempfile.TemporaryDirectory(dir=memory) as prefix:
        said = script(placed / "install.sh", user_home, PREFIX=prefix)
        assert f"{prefix}/opt/cellsam-desktop" in said
        program = Path(prefix) / "bin" / "cellsam-desktop"
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, env={})
        assert answer.stdout == f"cellsam-desktop {built_version(placed)}\n"


def test_the_desktop_knows_it(placed: Path, user_home: Path):
    script(placed / "install.sh", user_home)
    share = user_home / ".local" / "share"
    entry = share / "applications" / "cellsam-desktop.desktop"
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", entry], check=True)
    parsed = ConfigParser(interpolation=None)
    parsed.optionxform = str
    parsed.read(entry, encoding="utf-8")
    words = parsed["Desktop Entry"]
    program = user_home / ".local" / "opt" / "cellsam-desktop" / "cellsam-desktop"
    assert words["TryExec"] == str(program).replace("\\", "\\\\")
    assert unquoted(words["Exec"]) == f'"{program}" gui %f'
    assert "application/x-cellsam" in words["MimeType"].split(";")
    assert (share / "icons" / "hicolor" / "128x128" / "apps" / f"{words['Icon']}.png").is_file()
    mime = ElementTree.parse(share / "mime" / "packages" / "cellsam-desktop.xml")
    globs = [node.get("pattern") for node in mime.iter() if node.tag.endswith("glob")]
    assert globs == ["*.cellsam"]


def test_the_installed_program_is_left_alone(placed: Path, user_home: Path):
    script(placed / "install.sh", user_home)
    installed = user_home / ".local" / "opt" / "cellsam-desktop"
    for file in (installed / "install.sh", placed / "uninstall.sh"):
        done = subprocess.run([file], env={"HOME": str(user_home), "PATH": os.environ["PATH"]}, check=False)
        assert done.returncode == 1
    assert (installed / "cellsam-desktop").is_file()
    assert (placed / "cellsam-desktop").is_file()
