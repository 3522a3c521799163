"""CellSAM Desktop: segment and follow cells in microscopy movies with a click."""

__version__ = "0.1.0"
