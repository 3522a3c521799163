"""CellSAM Desktop: segment and follow cells in microscopy movies with a click."""

try:
    from cellsam_desktop._version import __version__ as __version__
except ImportError:  # the sources were never installed
    __version__ = "0+unknown"
