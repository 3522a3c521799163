"""The strip below the canvas: where one is in the movie, and what has been done on which frame."""

from __future__ import annotations

from cellsam_desktop.ui.panels.timeline.panel import Timeline

__all__ = ["Timeline"]
