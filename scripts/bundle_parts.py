"""What a bundle brings beside its code: the exported decoder, the sample movie, icons, everybody's licences.

Run by scripts/bundle.py with the Python whose packages go into the bundle.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from bundle import NOT_IN_LEAN  # noqa: E402
from bundle_licences import write_licences  # noqa: E402

from cellsam_desktop.images.sample import SampleMovie, write_sample  # noqa: E402
from cellsam_desktop.sam.export import ensure_decoder  # noqa: E402

ICON_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICON = ROOT / "packaging" / "icon.svg"


def main(flavour: str, staged: Path, weights: Path) -> None:
    """Make all parts in ``staged``; the sample movie only once, since it takes seconds and never changes."""
    bundled = staged / "bundled"
    shutil.rmtree(bundled / "decoders", ignore_errors=True)
    ensure_decoder(weights, "vit_t", bundled / "decoders")
    sample = bundled / "sample"
    if not all(file.is_file() for file in vars(SampleMovie.in_folder(sample)).values()):
        shutil.rmtree(sample, ignore_errors=True)
        write_sample(sample)
    write_icons(staged / "icons")
    write_licences(bundled / "licences", NOT_IN_LEAN if flavour == "lean" else set())


def write_icons(folder: Path) -> None:
    """The program's icon as PNG in all sizes, and as Windows and macOS want it."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PIL import Image
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    drawing = QSvgRenderer(str(ICON))
    for size in ICON_SIZES:
        picture = QImage(size, size, QImage.Format.Format_ARGB32)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        drawing.render(painter)
        painter.end()
        picture.save(str(folder / f"{size}.png"))
    shutil.copyfile(ICON, folder / "cellsam-desktop.svg")
    with Image.open(folder / f"{ICON_SIZES[-1]}.png") as largest:
        largest.save(folder / "cellsam-desktop.icns")
        largest.save(
            folder / "cellsam-desktop.ico", sizes=[(size, size) for size in ICON_SIZES if size <= 256]
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
