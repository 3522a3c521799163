"""What is asked of a training run, and how that is written down."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from cellsam_desktop import __version__
from cellsam_desktop.core.devices import hardware
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.cores import usable
from cellsam_desktop.sam.trained import title_of
from training.config import Config
from training.run_folder import RunFolder, RunRecord
from training.selection import absolute


@dataclass(frozen=True)
class Request:
    """What is to be trained, and for how long; without ``minutes`` and ``epochs`` as long as it helps."""

    data: tuple[Path, ...]
    base: str
    config: Config
    minutes: float | None = None
    epochs: int | None = None
    device: str = "auto"
    held_out: tuple[Path, ...] = ()
    title: str = ""
    cache_gb: float = 20.0


def request_of(record: RunRecord, cache_gb: float) -> Request:
    """What was asked for.

    Raises:
        ConfigError: this version does not know all of it.
    """
    return Request(
        tuple(map(Path, record.data)),
        record.base["name"],
        Config.from_json(record.config),
        record.minutes,
        record.epochs,
        record.device,
        tuple(map(Path, record.held_out)),
        record.title,
        cache_gb,
    )


def chosen_device(wanted: str) -> str:
    """``auto`` is the GPU if there is one.

    Raises:
        ModelError: CUDA is wanted, and there is none.
    """
    there = torch.cuda.is_available()
    if hardware(wanted) == "cuda" and not there:
        raise ModelError("PyTorch finds no CUDA device on this computer: leave out --device, or say cpu.")
    return ("cuda" if there else "cpu") if wanted == "auto" else wanted


def new_record(folder: RunFolder, request: Request) -> RunRecord:
    """The record of a run that begins now."""
    config = request.config
    return RunRecord(
        base={"name": request.base},
        config=config.to_json(),
        data=[str(absolute(path)) for path in request.data],
        held_out=[str(absolute(path)) for path in request.held_out],
        minutes=request.minutes,
        epochs=request.epochs,
        device=request.device,
        title=title_of(request.title or folder.path.name),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        program=_program(),
    )


def _program() -> dict[str, Any]:
    return {
        "version": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "platform": platform.platform(),
        "processors": usable(),
        "threads": torch.get_num_threads(),
    }
