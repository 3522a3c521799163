"""Real weights with tiny data."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.base import Base


@pytest.fixture
def base(home_with_weights: Path) -> Base:
    """MobileSAM, in a home of this test's own."""
    return Base.find("vit_t")
