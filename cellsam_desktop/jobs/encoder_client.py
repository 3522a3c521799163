"""The window's side of the encoder worker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psygnal import Signal

from cellsam_desktop.jobs.post import Post
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef, WorkerConfig, WorkerState


class EncoderClient:
    """PLACEHOLDER with the final signatures; the implementation follows."""

    state_changed = Signal(WorkerState)
    encoded = Signal(EncodeTarget, str)
    failed = Signal(EncodeTarget, str)
    decoder_ready = Signal(Path)

    def __init__(self, post: Post, config: WorkerConfig, command: Sequence[str] | None = None) -> None:
        self.state = WorkerState("stopped")

    def start(self) -> None: ...
    def open_movie(self, movie: MovieRef) -> None: ...
    def close_movie(self) -> None: ...
    def set_queue(self, targets: Sequence[EncodeTarget]) -> None: ...
    def set_model(self, name: str) -> None: ...
    def set_device(self, device: str) -> None: ...
    def stop(self) -> None: ...
