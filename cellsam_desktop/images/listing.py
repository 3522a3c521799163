"""Which files of a folder are the frames of a movie."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.wording import counted
from cellsam_desktop.images.errors import unreadable

SUFFIXES = {
    ".tif": "TIFF", ".tiff": "TIFF", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP",
}  # fmt: skip

SEQUENCE = re.compile(r"\d{2}")
LABEL_FOLDER = re.compile(r"(\d{2})_(GT|ST|RES|ERR_SEG)", re.IGNORECASE)
LABEL_FILE = re.compile(r"(man_track|man_seg|mask)\d")
"""Names of sequences and labels in the Cell Tracking Challenge (Ulman et al. 2017, Nat. Methods 14:1141)."""


@dataclass(frozen=True)
class Frames:
    """Files of a movie in order, and words that describe them to the user."""

    files: list[Path]
    words: str


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts ``frame2`` before ``frame10``."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def find_frames(folder: Path) -> Frames:
    """The frames in a folder; raises ImageError with the remedy if there are none.

    Files that differ only in their numbers belong together; if such a group makes up more than half of
    the images, the others (an overview, a thumbnail) are left out. A data set of the Cell Tracking
    Challenge opens its first sequence.
    """
    images = _images(folder)
    if not images:
        return _challenge_sequence(folder)
    labels = next((part for part in (folder.name, folder.parent.name) if LABEL_FOLDER.fullmatch(part)), None)
    if labels or all(LABEL_FILE.match(file.name) for file in images):
        movie = labels[:2] if labels else "with the images"
        raise ImageError(
            f"{folder} holds label images, not a movie; open the folder {movie} and import the labels there."
        )
    group = _largest_group(images)
    files = sorted(group if 2 * len(group) > len(images) else images, key=natural_key)
    kinds = sorted({SUFFIXES[file.suffix.lower()] for file in files})
    return Frames(files, f"folder of {counted(len(files), ' and '.join(kinds) + ' image')}")


def _images(folder: Path) -> list[Path]:
    try:
        return [
            entry
            for entry in folder.iterdir()
            if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()
        ]
    except OSError as cause:
        raise unreadable(folder, cause) from cause


def _largest_group(images: list[Path]) -> list[Path]:
    def pattern(file: Path) -> str:
        return re.sub(r"\d+", "#", file.name.lower())

    likeliest, _ = Counter(pattern(file) for file in sorted(images, key=natural_key)).most_common(1)[0]
    return [file for file in images if pattern(file) == likeliest]


def _challenge_sequence(folder: Path) -> Frames:
    numbered = sorted(entry for entry in folder.iterdir() if SEQUENCE.fullmatch(entry.name))
    sequences = [entry for entry in numbered if entry.is_dir() and _images(entry)]
    if sequences:
        frames = find_frames(sequences[0])
        return Frames(frames.files, f"Cell Tracking Challenge sequence {sequences[0].name}, {frames.words}")
    raise ImageError(
        f"{folder} holds no TIFF, PNG, JPEG or BMP images; choose the folder that directly holds the frames."
    )
