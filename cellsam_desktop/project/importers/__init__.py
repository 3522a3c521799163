"""Masks made by other programs."""
