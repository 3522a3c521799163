"""Cells from other programs."""
