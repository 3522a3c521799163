"""Make the table of cell colours anew: ``python resources/make_palette.py``, with the package glasbey 0.4.0.

The table is kept in the program, since making it takes seconds and colours must never change by themselves;
docs/decisions/0150-cell-colours.md says why these bounds.
"""

from __future__ import annotations

import json
from pathlib import Path

import glasbey

PALETTE = Path(__file__).resolve().parents[1] / "cellsam_desktop" / "ui" / "resources" / "palette.json"
PER_LINE = 10


def main() -> None:
    """Write the table, some colours a line."""
    colours = glasbey.create_palette(
        palette_size=255, grid_size=64, grid_space="JCh", lightness_bounds=(48, 92), chroma_bounds=(28, 100)
    )
    lines = [colours[start : start + PER_LINE] for start in range(0, len(colours), PER_LINE)]
    rows = ",\n  ".join(", ".join(map(json.dumps, line)) for line in lines)
    PALETTE.write_text(f"[\n  {rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
