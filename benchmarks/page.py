"""The page docs/performance.md: its tables are what the benchmarks printed, never typed by hand."""

from __future__ import annotations

import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from cellsam_desktop.sam.cores import usable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def replace(name: str, command: str, printed: str, page: Path = PAGE) -> None:
    """Put what the benchmark ``name`` printed between its two marks on the page.

    Raises:
        ValueError: the page has no such marks, or what was printed ends with no line of JSON.
    """
    table, _, figures = printed.strip().rpartition("\n")
    if not figures.startswith("{"):
        raise ValueError(f"{command} did not end with a line of JSON.")
    text = page.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marks.search(text):
        raise ValueError(f"{page.name} has no place for {name}: add its two marks.")
    today = datetime.now(UTC).date()
    part = (
        f"\n`{command}`, {today}, {machine()}\n\n{table.strip()}\n\n"
        f"<details><summary>The figures as JSON</summary>\n\n```json\n{figures}\n```\n\n</details>\n\n"
    )
    page.write_text(marks.sub(lambda found: found[1] + part + found[2], text), encoding="utf-8")


def machine() -> str:
    """This computer in words."""
    return f"{_processor()}, {usable()} cores, {platform.system()}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
