"""Small movies, and what a client says about them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.jobs.encoder_client import EncoderClient
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef, WorkerConfig

HEIGHT, WIDTH = 96, 128
CELL = (64.0, 48.0)  # x, y of the centre of the disc in every frame
RADIUS = 20
WHOLE = Region.whole(HEIGHT, WIDTH)
CROP = Region(16, 32, 64, 64)  # around the disc
CONTRAST = Contrast(0.0, 1000.0)
LONG = 150.0  # seconds: importing PyTorch on a busy machine with two cores


def write_movie(path: Path, frames: int, *, seed: int = 0) -> Path:
    """A bright disc on noise, uint16, axes TYX; each frame has noise of its own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    disc = 800 * (np.hypot(x - CELL[0], y - CELL[1]) <= RADIUS)
    movie = rng.integers(0, 100, (frames, HEIGHT, WIDTH)) + disc
    tifffile.imwrite(path, movie.astype(np.uint16), imagej=True, metadata={"axes": "TYX"})
    return path


def target(t: int, region: Region = WHOLE) -> EncodeTarget:
    return EncodeTarget(PlaneIndex(t), region)


def movie_ref(path: Path, contrast: Contrast = CONTRAST) -> MovieRef:
    return MovieRef(path, None, (contrast,))


class Recorder:
    """Everything a client said, in order."""

    def __init__(self, client: EncoderClient) -> None:
        self.encoded: list[EncodeTarget] = []
        self.keys: dict[EncodeTarget, str] = {}
        self.failed: dict[EncodeTarget, str] = {}
        self.states: list[str] = []
        self.decoders: list[Path] = []
        client.encoded.connect(self._on_encoded)
        client.failed.connect(self._on_failed)
        client.state_changed.connect(lambda state: self.states.append(state.kind))
        client.decoder_ready.connect(self.decoders.append)

    def forget(self) -> None:
        """Begin a new record."""
        self.encoded, self.keys, self.failed, self.states = [], {}, {}, []

    def _on_encoded(self, what: EncodeTarget, key: str) -> None:
        self.encoded.append(what)
        self.keys[what] = key

    def _on_failed(self, what: EncodeTarget, sentence: str) -> None:
        self.failed[what] = sentence


@dataclass(frozen=True)
class EncodedMovie:
    """A movie of three frames whose embeddings lie in a cache, and the decoder that belongs to them.

    ``keys`` are those of the whole frames, ``crop`` that of ``CROP`` on the first.
    """

    movie: Path
    config: WorkerConfig
    keys: dict[EncodeTarget, str]
    crop: str
    decoder: Path


def is_running(pid: int) -> bool:
    """Whether a process exists that is no zombie."""
    if sys.platform == "win32":
        listing = subprocess.run(["tasklist", "/FI", f"PID eq {pid}"], capture_output=True, text=True)
        return str(pid) in listing.stdout
    listing = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(listing.stdout.strip()) and not listing.stdout.startswith("Z")
