"""Words that every message shares."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """A count and what is counted, such as "1 cell" or "7 cells"."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
