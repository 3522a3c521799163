"""What a bundle brings beside its code: the exported decoder, the sample movie, icons, everybody's licences.

Run by scripts/bundle.py with the Python whose packages go into the bundle.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from bundle import NOT_IN_LEAN  # noqa: E402

from cellsam_desktop.images.sample import SampleMovie, write_sample  # noqa: E402
from cellsam_desktop.sam.export import ensure_decoder  # noqa: E402

ICON_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICON = ROOT / "packaging" / "icon.svg"
_LICENCE_NAMES = ("licen", "copying", "notice", "authors")


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


def write_licences(folder: Path, left_out: set[str]) -> None:
    """The licence texts of every package inside, and of Python itself, with a list of them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = []
    for name in sorted(packages_inside(left_out), key=str.lower):
        known = metadata.distribution(name)
        lines.append(f"{known.metadata['Name']} {known.version}: {stated_licence(known)}")
        for file in known.files or ():
            source = Path(str(known.locate_file(file)))
            if is_licence(file.name) and source.is_file():
                shutil.copyfile(source, folder / f"{name}-{file.name}")
    python = Path(os.__file__).parent / "LICENSE.txt"
    if python.is_file():
        shutil.copyfile(python, folder / "Python-LICENSE.txt")
    (folder / "PACKAGES.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def is_licence(name: str) -> bool:
    """Whether a file of this name tells about rights, and is no code."""
    told = any(word in name.lower() for word in _LICENCE_NAMES)
    return told and not name.endswith((".py", ".pyc", ".so"))


def packages_inside(left_out: set[str]) -> set[str]:
    """Names of all packages that the program needs, directly or through others, but for ``left_out``."""
    found: set[str] = set()
    waiting = ["cellsam-desktop"]
    while waiting:
        name = waiting.pop()
        if name in found or name in left_out:
            continue
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # another system's, or onnxruntime with another name
        found.add(name)
        requirements = [Requirement(line) for line in known.requires or ()]
        waiting += [
            requirement.name.lower().replace("_", "-")
            for requirement in requirements
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        ]
    return found | ({"onnxruntime"} if "torch" in left_out else set())


def stated_licence(known: metadata.Distribution) -> str:
    """What a package says of itself: the expression, or the first line of the field, or the classifiers."""
    expression = known.metadata.get("License-Expression") or known.metadata.get("License") or ""
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in known.metadata.get_all("Classifier", [])
        if line.startswith("License ::")
    ]
    first = expression.strip().partition("\n")[0]
    return first if 0 < len(first) < 80 else ", ".join(classifiers) or "see its licence file"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
