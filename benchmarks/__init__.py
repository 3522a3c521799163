"""Measurements of accuracy and speed on real images; each prints a table and one line of JSON."""
