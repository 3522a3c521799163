"""Take out of a bundle's libraries what only a debugger reads: a fifth of the lean build.

``strip`` damages some libraries that the makers of wheels changed with patchelf: it moves segments to places
that the system's loader refuses. So each result is looked at before it replaces the library.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

_LOADED = 1  # PT_LOAD
_64_BIT = b"\x7fELF\x02\x01"


def strip_folder(folder: Path) -> int:
    """Strip all libraries in ``folder`` that stay loadable; the bytes saved.

    Raises:
        FileNotFoundError: there is no ``strip`` on this computer.
    """
    tool = shutil.which("strip")
    if tool is None:
        raise FileNotFoundError("strip")
    files = [file for file in folder.rglob("*.so*") if file.is_file() and not file.is_symlink()]
    return sum(_strip(tool, file) for file in files)


def _strip(tool: str, file: Path) -> int:
    before = file.stat().st_size
    stripped = file.with_name(f"{file.name}.stripped")
    command = [tool, "--strip-debug", "--preserve-dates", "-o", str(stripped), str(file)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode == 0
        if not done or stripped.stat().st_size >= before or not is_loadable(stripped.read_bytes()):
            return 0
        saved = before - stripped.stat().st_size
        stripped.replace(file)
        return saved
    finally:
        stripped.unlink(missing_ok=True)


def is_loadable(data: bytes) -> bool:
    """Whether each segment of a 64-bit ELF library lies in the file as it shall lie in the memory's pages."""
    if not data.startswith(_64_BIT):
        return False
    (start,) = struct.unpack_from("<Q", data, 32)
    size, number = struct.unpack_from("<HH", data, 54)
    for place in range(start, start + size * number, size):
        kind, _, offset, address, _, _, _, alignment = struct.unpack_from("<IIQQQQQQ", data, place)
        if kind == _LOADED and alignment > 1 and offset % alignment != address % alignment:
            return False
    return True
