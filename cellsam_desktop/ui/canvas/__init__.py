"""The canvas: one plane with its cells, and the mouse on it. Drawing only reads what is in memory."""
