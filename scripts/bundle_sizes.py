"""What takes the space in a bundle, and whether it is within its limits: ``make bundle-sizes FLAVOUR=lean``.

The limits are in ``packaging/limits.json``, in MB (10^6 bytes), by system. A bundle that grows past them
fails; raising them is a choice to be made in that file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMITS = ROOT / "packaging" / "limits.json"
_MB = 1e6
_LISTED = 25


def main() -> int:
    """Print the table; 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description="What takes the space in a bundle.")
    parser.add_argument("--flavour", default="lean")
    parser.add_argument("--folder", type=Path, help="the bundle (default: dist/FLAVOUR/cellsam-desktop)")
    parser.add_argument("--archive", type=Path, help="an archive of it, to be checked as well")
    arguments = parser.parse_args()
    folder = arguments.folder or ROOT / "dist" / arguments.flavour / "cellsam-desktop"
    sizes = shares(folder)
    print(table(sizes))
    found = {"folder": sum(sizes.values()) / _MB}
    if arguments.archive is not None:
        found["archive"] = arguments.archive.stat().st_size / _MB
    limits = json.loads(LIMITS.read_text(encoding="utf-8"))[sys.platform][arguments.flavour]
    for name, size in found.items():
        print(f"{name}: {size:.0f} MB of {limits[name]} MB")
    return int(any(size > limits[name] for name, size in found.items()))


def shares(folder: Path) -> Counter[str]:
    """Bytes by part of the bundle; a file that is there under two names by a link counts once."""
    sizes: Counter[str] = Counter()
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            sizes[part_of(file.relative_to(folder))] += file.stat().st_size
    return sizes


def part_of(file: Path) -> str:
    """The package or part that a file of the bundle belongs to."""
    words = [word for word in file.parts if word != "_internal"]
    if words[0] in ("nvidia", "PySide6", "bundled") and len(words) > 2:
        return "/".join(words[: 4 if words[0] == "nvidia" and len(words) > 4 else 2])
    if len(words) > 1:
        return words[0].removesuffix(".libs")
    if words[0] == "cellsam-desktop":
        return "the program and all pure Python"
    return "libraries of the system" if ".so" in words[0] else words[0]


def table(sizes: Counter[str]) -> str:
    """The largest parts, the rest and the sum, in MB."""
    largest = sizes.most_common(_LISTED)
    rest = sum(sizes.values()) - sum(size for _, size in largest)
    rows = [*largest, ("all else", rest), ("sum", sum(sizes.values()))]
    return "\n".join(f"{size / _MB:9.1f}  {name}" for name, size in rows)


if __name__ == "__main__":
    sys.exit(main())
