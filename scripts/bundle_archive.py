"""Pack the built folder for Linux: ``make archive FLAVOUR=lean`` gives ``dist/*.tar.xz`` and its checksum."""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import platform
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"


def main() -> int:
    """Pack and sum up; the paths are printed."""
    parser = argparse.ArgumentParser(description="Pack the built folder for Linux.")
    parser.add_argument("--flavour", default="lean")
    flavour = parser.parse_args().flavour
    folder = DIST / flavour / "cellsam-desktop"
    about = json.loads((folder / "_internal" / "bundled" / "build.json").read_text(encoding="utf-8"))
    name = f"cellsam-desktop-{about['version']}-{flavour}-{sys.platform}-{platform.machine().lower()}"
    archive = DIST / f"{name}.tar.xz"
    pack(folder, name, archive)
    print(archive)
    print(write_sum(archive))
    return 0


def pack(folder: Path, name: str, archive: Path) -> None:
    """Pack ``folder`` as ``name``, with no trace of who built it; one thread, since the sizes must agree."""

    def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    unfinished = archive.with_suffix(".part")
    # Half of it is machine code, which packs a tenth better when its jumps are made absolute first.
    filters = [
        {"id": lzma.FILTER_X86},
        {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 27},
    ]
    if platform.machine().lower() not in ("x86_64", "amd64"):
        del filters[0]
    with (
        lzma.open(unfinished, "wb", check=lzma.CHECK_CRC64, filters=filters) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for file in sorted(folder.rglob("*")):
            tar.add(file, f"{name}/{file.relative_to(folder)}", recursive=False, filter=anonymous)
    unfinished.replace(archive)


def write_sum(file: Path) -> Path:
    """The sha256 beside a file, in the form that ``sha256sum --check`` reads."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    target = file.with_name(f"{file.name}.sha256")
    target.write_text(f"{digest.hexdigest()}  {file.name}\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.exit(main())
