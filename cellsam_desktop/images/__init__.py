"""Lazy image sources and contrast. The one primitive is ``read_plane``."""
