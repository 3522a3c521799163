"""The program's own line icons, tinted by the theme.

Each is an SVG of 24 x 24 with strokes of 1.5 in ``currentColor``, kept in ``resources/icons``.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from cellsam_desktop.ui.theme import Theme

_SIZES = (16, 20, 24, 32, 40, 48)


@cache
def svg(name: str) -> str:
    """The source of an icon; KeyError names one that does not exist."""
    file = files("cellsam_desktop.ui").joinpath("resources", "icons", f"{name}.svg")
    if not file.is_file():
        raise KeyError(f"there is no icon {name!r}")
    return file.read_text(encoding="utf-8")


def pixmap(name: str, colour: QColor, size: int, ratio: float = 1.0) -> QPixmap:
    """An icon in one colour, ``size`` device-independent pixels wide and high."""
    renderer = QSvgRenderer(QByteArray(svg(name).replace("currentColor", colour.name()).encode()))
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setOpacity(colour.alphaF())
    renderer.render(painter, QRectF(0, 0, picture.width(), picture.height()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@cache
def icon(name: str, theme: Theme) -> QIcon:
    """An icon for buttons and menus: text colour, muted when disabled, accent when checked."""
    made = QIcon()
    for size in _SIZES:
        for colour, mode, state in (
            (theme.colour("text"), QIcon.Mode.Normal, QIcon.State.Off),
            (theme.colour("accent"), QIcon.Mode.Normal, QIcon.State.On),
            (theme.colour("muted", 0.5), QIcon.Mode.Disabled, QIcon.State.Off),
        ):
            made.addPixmap(pixmap(name, colour, size), mode, state)
    return made


@lru_cache(maxsize=128)
def _kept(name: str, rgba: int, size: int, ratio: float) -> QPixmap:
    return pixmap(name, QColor.fromRgba(rgba), size, ratio)


def tinted(name: str, colour: QColor, size: int, ratio: float = 1.0) -> QPixmap:
    """The same as ``pixmap``, kept for the next time: for painting in lists."""
    return _kept(name, colour.rgba(), size, ratio)
