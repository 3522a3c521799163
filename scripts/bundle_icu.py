"""Reduce the data of ICU to what Qt asks it for here: how names are sorted.

The library ``libicudata`` that Qt is linked with holds 32 MB for the whole world: character sets of old
computers, names of currencies, units, regions and languages, line breaking, transliteration. Qt has its own
tables for numbers, dates and text; of ICU it uses the collation. The form of the data is that of ICU's
``ucmndata.h``: a header, a table of contents, the items. Fewer items are an ordinary thing to ICU.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

_KIND = b"CmnD"
_LEFT_OUT = re.compile(r"/(brkitr|curr|lang|rbnf|region|translit|unit|zone)/|\.(cnv|spp)$")
_ALIGNED = 16

_SOURCE = """
    .section .rodata
    .balign 16
    .global {symbol}
    .type {symbol}, @object
{symbol}:
    .incbin "{file}"
    .size {symbol}, . - {symbol}
    .section .note.GNU-stack,"",@progbits
"""


def reduce_icu(folder: Path) -> int:
    """Reduce every ``libicudata`` below ``folder``; the bytes saved.

    Raises:
        ValueError: the data are not of the known form.
    """
    return sum(_reduce(file) for file in folder.rglob("libicudata.so*") if not file.is_symlink())


def _reduce(library: Path) -> int:
    before = library.stat().st_size
    version = library.name.rpartition(".")[2]
    with tempfile.TemporaryDirectory() as folder:
        data, source, made = (Path(folder) / name for name in ("icu.dat", "icu.S", library.name))
        data.write_bytes(reduced(library.read_bytes()))
        source.write_text(_SOURCE.format(symbol=f"icudt{version}_dat", file=data))
        command = ["gcc", "-shared", "-nostdlib", f"-Wl,-soname,{library.name}", "-o", str(made), str(source)]
        subprocess.run(command, check=True)
        shutil.copyfile(made, library)
    return before - library.stat().st_size


def reduced(library: bytes) -> bytes:
    """The data within a library, with a part of their items.

    Raises:
        ValueError: there are no such data in it.
    """
    place = library.find(_KIND)
    if place < 0 or library[place - 10 : place - 8] != b"\xda\x27":
        raise ValueError("the library holds no data of ICU")
    start = place - 12
    (length,) = struct.unpack_from("<H", library, start)
    table = start + length
    (number,) = struct.unpack_from("<I", library, table)
    entries = [struct.unpack_from("<II", library, table + 4 + 8 * entry) for entry in range(number)]
    names = [library[table + name : library.index(b"\0", table + name)] for name, _ in entries]
    starts = [place for _, place in entries]
    # The last item has no end; the rest of the library after it does no harm.
    ends = [*starts[1:], len(library) - table]
    kept = [
        (name, library[table + begin : table + end])
        for name, begin, end in zip(names, starts, ends, strict=True)
        if not _LEFT_OUT.search(name.decode())
    ]
    return library[start:table] + _contents(kept)


def _contents(items: list[tuple[bytes, bytes]]) -> bytes:
    """The table of contents and the items, in the order given, which is that of their names."""
    names_at = 4 + 8 * len(items)
    place = names_at + sum(len(name) + 1 for name, _ in items)
    table, names, data = [struct.pack("<I", len(items))], [], [b""]
    for name, item in items:
        padding = -place % _ALIGNED
        table.append(struct.pack("<II", names_at, place + padding))
        names.append(name + b"\0")
        data += [b"\xaa" * padding, item]
        names_at += len(name) + 1
        place += padding + len(item)
    return b"".join([*table, *names, *data])
