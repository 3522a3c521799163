"""The document and its rules: cells, masks, edits, history, lineage. NumPy and SciPy only."""
