"""The list of cells: one row each, with what is shown, locked and where it lives."""

from __future__ import annotations

from cellsam_desktop.ui.panels.layers.panel import LayersPanel

__all__ = ["LayersPanel"]
