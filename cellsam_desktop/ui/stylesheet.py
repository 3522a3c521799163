"""The one style sheet, in the colours of a theme."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePath
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellsam_desktop.ui.theme import Theme


def stylesheet(theme: Theme) -> str:
    """The application's style sheet."""
    resources = files("cellsam_desktop.ui").joinpath("resources")
    sheet = Template(resources.joinpath("style.qss").read_text(encoding="utf-8"))
    icons = PurePath(str(resources.joinpath("icons"))).as_posix()
    return sheet.substitute(vars(theme), icons=icons)
