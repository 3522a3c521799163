"""The selected cells: their values on this frame, plots over time, and the table of their masks."""

from __future__ import annotations

from cellsam_desktop.ui.panels.cell.panel import CellPanel

__all__ = ["CellPanel"]
