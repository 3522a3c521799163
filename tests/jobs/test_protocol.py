from __future__ import annotations

from pathlib import Path

import pytest

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.jobs.protocol import (
    Configure,
    DecoderReady,
    Encoded,
    Failed,
    OpenMovie,
    SetCacheLimit,
    SetQueue,
    StateReport,
    Working,
    from_line,
    to_line,
)
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef, WorkerConfig, WorkerState

TARGET = EncodeTarget(PlaneIndex(3, 1, 2), Region(5, 6, 70, 80))
CONFIG = WorkerConfig("vit_t", "auto", Path("models"), Path("embeddings"), Path("decoders"), 10**12)
MOVIE = MovieRef(Path("a µ folder") / "line\nfeed.tif", "TZYX", (Contrast(0.1, 2.5, 0.7), Contrast(0, 1)))


@pytest.mark.parametrize(
    "message",
    [
        Configure(1, CONFIG),
        OpenMovie(2, MOVIE),
        OpenMovie(2, MovieRef(Path("m.tif"), None, ())),
        OpenMovie(3, None),
        SetQueue(3, (TARGET, EncodeTarget(PlaneIndex(), Region.whole(1, 1)))),
        SetQueue(3, (), together=False),
        SetCacheLimit(10**12),
        StateReport(WorkerState("broken", "cuda", "A sentence.")),
        Working(4, (TARGET, EncodeTarget(PlaneIndex(), Region.whole(1, 1)))),
        Working(4, ()),
        Encoded(5, TARGET, "key", True),
        Failed(6, TARGET, "A sentence\nof two lines."),
        DecoderReady(7, Path("decoder.onnx")),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_message_survives_the_pipe_in_one_line(message):
    line = to_line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == message


@pytest.mark.parametrize(
    "line", [b"", b"noise\n", b"[]\n", b"{}\n", b'["Unknown",{}]\n', b'["Encoded",{}]\n', b"3\n"]
)
def test_anything_else_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        from_line(line)
