"""The lineage over time: who divided into whom, drawn as a forest."""

from __future__ import annotations

from cellsam_desktop.ui.panels.lineage.panel import LineagePanel

__all__ = ["LineagePanel"]
