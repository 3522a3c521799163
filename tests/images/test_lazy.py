"""Opening a movie of 20 GB reads headers and one plane."""

from __future__ import annotations

from pathlib import Path

import pytest
import tifffile

from cellsam_desktop.core.geometry import PlaneIndex
from cellsam_desktop.images.contrast import measure_contrast
from cellsam_desktop.images.fingerprint import fingerprint
from cellsam_desktop.images.opening import open_source

PLANE = 1024 * 2048 * 2


def bytes_read() -> int:
    counters = Path("/proc/self/io")
    if not counters.exists():
        pytest.skip("this system does not count the bytes a process reads")
    return int(counters.read_text().split()[1])


@pytest.mark.parametrize("kind", ["ome", "shaped"])
def test_twenty_gigabytes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "movie.tif"
    options = {"ome": True} if kind == "ome" else {}
    pixels = tifffile.memmap(
        path, shape=(5000, 1024, 2048), dtype="uint16", bigtiff=True, metadata={"axes": "TYX"}, **options
    )
    pixels[4999, 5, 7] = 4711
    pixels.flush()
    del pixels
    assert path.stat().st_size > 19 * 2**30

    before = bytes_read()
    with open_source(path) as source:
        opened_with = bytes_read() - before
        assert source.info.sizes.t == 5000
        assert opened_with < PLANE + 8 * 2**20  # 5000 headers and one plane

        before = bytes_read()
        assert source.read_plane(PlaneIndex(t=4999))[5, 7] == 4711
        assert bytes_read() - before < PLANE + 2**17

        before = bytes_read()
        measure_contrast(source, 0)
        fingerprint(source)
        assert bytes_read() - before < 11 * PLANE + 2**20
