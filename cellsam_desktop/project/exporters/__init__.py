"""Cells for other programs: labels, tables, and the formats of tracking."""
