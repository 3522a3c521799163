"""Training mask decoders on what was curated; ``cellsam-train`` is its command."""
