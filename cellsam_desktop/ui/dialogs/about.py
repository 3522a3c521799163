"""Version, licence, and the work of others that the program stands on."""

from __future__ import annotations

import platform

from PySide6 import __version__ as qt_version
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QTextBrowser, QVBoxLayout, QWidget

from cellsam_desktop import __version__
from cellsam_desktop.sam.known_models import KNOWN_MODELS
from cellsam_desktop.ui import icons
from cellsam_desktop.ui.dialogs.frame import Dialog
from cellsam_desktop.ui.panels.labels import muted, styled
from cellsam_desktop.ui.theme import WIDE, theme_of

LIBRARIES = (
    ("Qt for Python (PySide6)", "LGPL-3.0"),
    ("pyqtgraph", "MIT"),
    ("NumPy, SciPy", "BSD-3-Clause"),
    ("PyTorch, torchvision", "BSD-3-Clause"),
    ("segment-anything, timm, MONAI, accelerate, safetensors", "Apache-2.0"),
    ("ONNX, ONNX Runtime", "Apache-2.0, MIT"),
    ("tifffile, imagecodecs, nd2", "BSD-3-Clause"),
    ("Zarr, Pillow", "MIT, MIT-CMU"),
    ("psygnal, Jinja2", "BSD-3-Clause"),
    ("pycocotools, xxhash", "BSD-2-Clause"),
    ("platformdirs, requests", "MIT, Apache-2.0"),
)


class AboutDialog(Dialog):
    """Who made what, and under which licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("About CellSAM Desktop", parent)
        picture = QLabel()
        picture.setPixmap(icons.pixmap("app", theme_of(self).colour("accent"), 56, self.devicePixelRatioF()))
        words = QVBoxLayout()
        words.addWidget(styled("title", "CellSAM Desktop"))
        words.addWidget(
            muted(f"Version {__version__}, Apache-2.0. Qt {qt_version}, Python {platform.python_version()}.")
        )
        head = QHBoxLayout()
        head.setSpacing(WIDE)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self.column.addLayout(head)
        text = QTextBrowser()
        text.setHtml(licences_html())
        text.setMinimumSize(460, 300)
        self.column.addWidget(text)
        self.add_buttons(cancel="Close")


def licences_html() -> str:
    """Two tables: libraries, and model weights."""
    models = [(spec.title, spec.licence) for spec in KNOWN_MODELS]
    return f"<h4>Libraries</h4>{_table(LIBRARIES)}<h4>Model weights</h4>{_table(models)}"


def _table(rows: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><td>{name}</td><td style='padding-left: 24px'>{licence}</td></tr>" for name, licence in rows
    )
    return f"<table cellspacing='2'>{lines}</table>"
