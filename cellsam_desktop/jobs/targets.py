"""What the encoder worker is asked for, and what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.images.contrast import Contrast


@dataclass(frozen=True)
class EncodeTarget:
    """One region of one plane, to be encoded by itself."""

    index: PlaneIndex
    region: Region


@dataclass(frozen=True)
class MovieRef:
    """A movie as the worker opens it: file, axes if they were corrected, one contrast per channel."""

    path: Path
    axes: str | None
    contrast: tuple[Contrast, ...]


@dataclass(frozen=True)
class WorkerConfig:
    """Everything the worker needs to know besides the movie."""

    model: str
    device: str
    models_dir: Path
    embeddings_dir: Path
    decoders_dir: Path
    cache_limit_bytes: int


WorkerKind: TypeAlias = Literal["starting", "loading", "idle", "encoding", "broken", "stopped"]


@dataclass(frozen=True)
class WorkerState:
    """What the worker is doing. ``device`` is empty until the encoder is loaded.

    ``message`` is one sentence for the user: why the worker is broken and what mends it, or a remark such as
    that the GPU's memory did not suffice.
    """

    kind: WorkerKind
    device: str = ""
    message: str = ""
