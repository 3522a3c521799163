"""What the window and its encoder worker say to each other: one JSON value per line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from cellsam_desktop.core.geometry import PlaneIndex, Region
from cellsam_desktop.images.contrast import Contrast
from cellsam_desktop.jobs.targets import EncodeTarget, MovieRef, WorkerConfig, WorkerState


@dataclass(frozen=True)
class Configure:
    """To the worker: use this model, device and folders. ``number`` comes back in ``DecoderReady``."""

    number: int
    config: WorkerConfig


@dataclass(frozen=True)
class OpenMovie:
    """To the worker: this movie, or none. Answers carry ``generation``, which tells the late ones apart."""

    generation: int
    movie: MovieRef | None


@dataclass(frozen=True)
class SetQueue:
    """To the worker: what to encode, first things first; replaces what was waiting.

    ``together``: several at once where that is quicker.
    """

    generation: int
    targets: tuple[EncodeTarget, ...]
    together: bool = True


@dataclass(frozen=True)
class SetCacheLimit:
    """To the worker: the cache of embeddings may hold so many bytes from now on."""

    limit_bytes: int


@dataclass(frozen=True)
class StateReport:
    """From the worker: what it is doing now."""

    state: WorkerState


@dataclass(frozen=True)
class Working:
    """From the worker: it is busy with these targets, or with none. If it dies, they are the suspects."""

    generation: int
    targets: tuple[EncodeTarget, ...]


@dataclass(frozen=True)
class Encoded:
    """From the worker: the embedding of this target is in the cache; ``hit``: it was there already."""

    generation: int
    target: EncodeTarget
    key: str
    hit: bool


@dataclass(frozen=True)
class Failed:
    """From the worker: this target cannot be encoded, and why, in one sentence."""

    generation: int
    target: EncodeTarget
    sentence: str


@dataclass(frozen=True)
class DecoderReady:
    """From the worker: the decoder of the configured model, as ONNX."""

    number: int
    path: Path


Message: TypeAlias = (
    Configure | OpenMovie | SetQueue | SetCacheLimit | StateReport | Working | Encoded | Failed | DecoderReady
)


def to_line(message: Message) -> bytes:
    """One line, with its line feed; JSON escapes those inside texts."""
    fields = {name: _pack(value) for name, value in vars(message).items()}
    return json.dumps([type(message).__name__, fields], separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Message:
    """The message that ``to_line`` wrote.

    Raises:
        ValueError: the line holds no message.
    """
    try:
        name, fields = json.loads(line)
        return _READERS[name](fields)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a message: {line[:200]!r}") from error


def _pack(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, EncodeTarget):
        region = value.region
        return [*value.index, region.y0, region.x0, region.height, region.width]
    if isinstance(value, tuple):
        return [_pack(item) for item in value]
    if isinstance(value, (MovieRef, WorkerConfig)):
        return {name: _pack(item) for name, item in vars(value).items()}
    if isinstance(value, (WorkerState, Contrast)):
        return asdict(value)
    return value


def _target(numbers: list[int]) -> EncodeTarget:
    t, c, z, y0, x0, height, width = numbers
    return EncodeTarget(PlaneIndex(t, c, z), Region(y0, x0, height, width))


def _targets(entries: list[list[int]]) -> tuple[EncodeTarget, ...]:
    return tuple(_target(entry) for entry in entries)


def _movie(data: dict[str, Any] | None) -> MovieRef | None:
    if data is None:
        return None
    contrast = tuple(Contrast(**entry) for entry in data["contrast"])
    return MovieRef(Path(data["path"]), data["axes"], contrast)


def _config(data: dict[str, Any]) -> WorkerConfig:
    folders = {name: Path(data[name]) for name in ("models_dir", "embeddings_dir", "decoders_dir")}
    return WorkerConfig(**{**data, **folders})


_READERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "Configure": lambda d: Configure(d["number"], _config(d["config"])),
    "OpenMovie": lambda d: OpenMovie(d["generation"], _movie(d["movie"])),
    "SetQueue": lambda d: SetQueue(d["generation"], _targets(d["targets"]), d["together"]),
    "SetCacheLimit": lambda d: SetCacheLimit(d["limit_bytes"]),
    "StateReport": lambda d: StateReport(WorkerState(**d["state"])),
    "Working": lambda d: Working(d["generation"], _targets(d["targets"])),
    "Encoded": lambda d: Encoded(d["generation"], _target(d["target"]), d["key"], d["hit"]),
    "Failed": lambda d: Failed(d["generation"], _target(d["target"]), d["sentence"]),
    "DecoderReady": lambda d: DecoderReady(d["number"], Path(d["path"])),
}
