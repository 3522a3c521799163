"""Whose curve has which colour."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from PySide6.QtWidgets import QLabel

from cellsam_desktop.ui.palette import line_colour
from cellsam_desktop.ui.theme import SPACE, Theme, follow_theme, theme_of

_MOST = 8
"""Of more cells only the first are named."""


class PlotLegend(QLabel):
    """The selected cells with the colours of their curves; hidden for a single one, which the title names."""

    def __init__(self) -> None:
        super().__init__()
        self._titles: dict[int, str] = {}
        self.setWordWrap(True)
        self.setContentsMargins(SPACE, 2, SPACE, 2)
        self.hide()
        follow_theme(self, self._use_theme)

    def show_cells(self, titles: Mapping[int, str]) -> None:
        """Name these cells, by id."""
        self._titles = dict(titles)
        self.setVisible(len(titles) > 1)
        self._use_theme(theme_of(self))

    def _use_theme(self, theme: Theme) -> None:
        entries = []
        for cell_id, title in list(self._titles.items())[:_MOST]:
            red, green, blue = line_colour(cell_id, dark=theme.dark)
            square = f'<span style="color:rgb({red},{green},{blue})">■</span>'
            entries.append(f"{square}&nbsp;{escape(title).replace(' ', '&nbsp;')}")
        if len(self._titles) > _MOST:
            entries.append(f"and {len(self._titles) - _MOST} more")
        self.setText("&ensp; ".join(entries))
