"""The libraries of the operating system that Qt's wheels expect to find on Linux.

Standard library only: the set-up script uses it before anything is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

WINDOW_PACKAGES = (
    "fonts-dejavu-core",
    "libdbus-1-3",
    "libegl1",
    "libfontconfig1",
    "libgl1",
    "libglib2.0-0",
    "libx11-xcb1",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xinerama0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
    "libxkbcommon0",
)
"""Debian's and Ubuntu's names for what Qt needs to open a window."""

TEST_PACKAGES = ("xauth", "xdotool", "xvfb")
"""What the end-to-end tests need to run the window on a virtual screen."""

_NEEDED = ("lib/libQt6Widgets.so.6", "plugins/platforms/libqoffscreen.so", "plugins/platforms/libqxcb.so")
_ABSENT = re.compile(r"(\S+) => not found")


def missing_libraries(qt: Path) -> list[str]:
    """System libraries that Qt's folder ``PySide6/Qt`` needs and lacks; none are known without ``ldd``."""
    if shutil.which("ldd") is None:
        return []
    files = [str(qt / name) for name in _NEEDED if (qt / name).exists()]
    answer = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False)
    return sorted(set(_ABSENT.findall(answer.stdout)))


def install_command(packages: tuple[str, ...] = WINDOW_PACKAGES) -> str:
    """The line a user of Debian or Ubuntu types to install ``packages``."""
    return "sudo apt-get install -y " + " ".join(packages)
