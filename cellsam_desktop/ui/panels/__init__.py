"""The panels around the canvas: layers, cell, timeline, tool bar, contrast."""
