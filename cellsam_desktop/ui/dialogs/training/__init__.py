"""The training dialog: choose the data, watch, and decide about what came of it."""

from __future__ import annotations

from cellsam_desktop.ui.dialogs.training.dialog import TrainingDialog

__all__ = ["TrainingDialog"]
