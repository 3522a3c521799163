"""Take out of a bundle's libraries what only a debugger reads: a fifth of the lean build.

``strip`` damages some libraries that the makers of wheels changed with patchelf: it moves segments to places
that the system's loader refuses. So each result is looked at before it replaces the library. Two thirds of
the full build have nothing to be taken out, which is faster seen than tried.
"""

from __future__ import annotations

import mmap
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

_LOADED = 1  # PT_LOAD
_64_BIT = b"\x7fELF\x02\x01"
_FOR_DEBUGGERS = (b".debug", b".symtab", b".zdebug")

Image = bytes | mmap.mmap


def strip_folder(folder: Path) -> int:
    """Strip all libraries in ``folder`` that stay loadable; the bytes saved."""
    files = [file for file in folder.rglob("*.so*") if file.is_file() and not file.is_symlink()]
    return sum(_strip(file) for file in files)


def _strip(file: Path) -> int:
    before = file.stat().st_size
    stripped = file.with_name(f"{file.name}.stripped")
    command = ["strip", "--strip-debug", "--preserve-dates", "-o", str(stripped), str(file)]
    if not _seen(file, has_symbols):
        return 0
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode == 0
        if not done or stripped.stat().st_size >= before or not _seen(stripped, is_loadable):
            return 0
        saved = before - stripped.stat().st_size
        stripped.replace(file)
        return saved
    finally:
        stripped.unlink(missing_ok=True)


def _seen(file: Path, look: Callable[[Image], bool]) -> bool:
    """What ``look`` says of a file, which is not read into memory: some are half a gigabyte."""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as image:
        return look(image)


def has_symbols(image: Image) -> bool:
    """Whether a 64-bit ELF library has sections that only debuggers read."""
    if image[:6] != _64_BIT:
        return False
    (start,) = struct.unpack_from("<Q", image, 40)
    size, number, of_names = struct.unpack_from("<HHH", image, 58)
    if number == 0:
        return False
    (names,) = struct.unpack_from("<Q", image, start + size * of_names + 24)
    places = (names + struct.unpack_from("<I", image, start + size * index)[0] for index in range(number))
    return any(image[place : place + 8].startswith(_FOR_DEBUGGERS) for place in places)


def is_loadable(image: Image) -> bool:
    """Whether each segment of a 64-bit ELF library lies in the file as it shall lie in the memory's pages."""
    if image[:6] != _64_BIT:
        return False
    (start,) = struct.unpack_from("<Q", image, 32)
    size, number = struct.unpack_from("<HH", image, 54)
    for place in range(start, start + size * number, size):
        kind, _, offset, address, _, _, _, alignment = struct.unpack_from("<IIQQQQQQ", image, place)
        if kind == _LOADED and alignment > 1 and offset % alignment != address % alignment:
            return False
    return True
