"""Measured tables reach the page whole, and nothing else of the page changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.__main__ import NAMES

PRINTED = '| a | b |\n|--|--|\n| 1 | 2 |\n{"ratio": 2.0}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "performance.md"
    path.write_text("before\n<!-- decoder -->\nold\n<!-- end of decoder -->\nafter\n", encoding="utf-8")
    return path


def test_a_table_replaces_the_one_before(file: Path):
    for _ in range(2):
        page.replace("decoder", "python -m benchmarks.decoder", PRINTED, file)
    text = file.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- decoder -->\n")
    assert text.endswith("<!-- end of decoder -->\nafter\n")
    assert text.count("| 1 | 2 |") == 1
    assert '{"ratio": 2.0}' in text
    assert "old" not in text
    assert page.machine() in text


def test_what_ends_without_figures_is_refused(file: Path):
    before = file.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="line of JSON"):
        page.replace("decoder", "python -m benchmarks.decoder", "Traceback\nValueError\n", file)
    assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_a_place_for_every_benchmark(name: str):
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.count(f"<!-- {name} -->") == text.count(f"<!-- end of {name} -->") == 1
