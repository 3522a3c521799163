"""The section of CHANGELOG.md about one version, on standard output, for the page of its release."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"


def section(text: str, version: str) -> str:
    """What stands below the heading of ``version``; empty if there is none."""
    heading = rf"^## {re.escape(version)}\b.*?\n(.*?)(?=^## |\Z)"
    found = re.search(heading, text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found is not None else ""


def main() -> int:
    """Print the section; 1 when the changelog does not know the version."""
    notes = section(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1])
    print(notes)
    return int(not notes)


if __name__ == "__main__":
    sys.exit(main())
