"""How work that takes a while tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[float], None]
"""Gets the fraction done, 0 to 1, and may raise ``Cancelled``."""
