"""Training a decoder on what was saved. This release holds the place of the command only."""
