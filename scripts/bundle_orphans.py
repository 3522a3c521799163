"""Remove libraries of the building system that nothing in the bundle is linked with any more.

PyInstaller collects what all plugins of Qt are linked with; those of plugins that were left out (GTK's, with
Cairo, Pango and Kerberos) stay behind.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_LIBRARY = re.compile(r"lib.*\.so[.\d]*$")
_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_LOADED_BY_NAME = ("libdbus-1.so", "libpython3")
"""Loaded without being linked with: by Qt's D-Bus, and by the executable itself."""


def remove_orphans(folder: Path) -> int:
    """Remove them from ``folder``, the one with the libraries; the bytes saved.

    Only libraries that lie in it directly are looked at: packages know best what is in their own folders.
    """
    files = [file for file in folder.rglob("*") if ".so" in file.name and not file.is_symlink()]
    needed = {file: _needed(file) for file in files if file.is_file()}
    saved = 0
    while orphans := [file for file in needed if _is_orphan(file, folder, needed)]:
        for file in orphans:
            saved += file.stat().st_size
            file.unlink()
            del needed[file]
    return saved


def _is_orphan(file: Path, folder: Path, needed: dict[Path, set[str]]) -> bool:
    if file.parent != folder or not _LIBRARY.match(file.name) or file.name.startswith(_LOADED_BY_NAME):
        return False
    return not any(file.name in names for user, names in needed.items() if user != file)


def _needed(file: Path) -> set[str]:
    answer = subprocess.run(["readelf", "-d", str(file)], capture_output=True, text=True, check=False)
    return set(_NEEDED.findall(answer.stdout))
