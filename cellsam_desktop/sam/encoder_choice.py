"""Whether PyTorch or ONNX Runtime encodes quicker on this computer's CPU: measured once and remembered.

It depends on the processor and on the versions of both, hardly on the weights: one measurement serves all
models of an architecture.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cellsam_desktop import paths

log = logging.getLogger(__name__)

Backend: TypeAlias = Literal["pytorch", "onnxruntime"]

TOLERANCE = 1e-3  # largest difference of embeddings, relative to the largest number in them
_LIKE = {"vit_l": "vit_b", "vit_h": "vit_b"}  # the same layers, wider


@dataclass(frozen=True)
class Comparison:
    """Seconds for one image, and how far the embeddings lie apart (relative to the largest number)."""

    pytorch_s: float
    onnxruntime_s: float
    difference: float

    @property
    def backend(self) -> Backend:
        """The quicker one; PyTorch, if they do not agree."""
        agree = self.difference <= TOLERANCE
        return "onnxruntime" if agree and self.onnxruntime_s <= self.pytorch_s else "pytorch"


class Choices:
    """What was found on this computer, in one small file of the cache."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file if file is not None else paths.cache_dir() / "encoders.json"

    def backend(self, architecture: str, threads: int | None) -> Backend:
        """What to use; without a measurement what is likely quicker."""
        found = self.find(architecture, threads)
        if found is not None:
            return found.backend
        return "pytorch" if sys.platform == "darwin" else "onnxruntime"  # PyTorch uses Apple's matrix unit

    def find(self, architecture: str, threads: int | None) -> Comparison | None:
        """The measurement that holds for this architecture with so many threads, if there is one."""
        entry = self._read().get(_key(architecture, threads))
        try:
            return None if entry is None else Comparison(**entry)
        except TypeError:
            return None

    def remember(self, architecture: str, threads: int | None, comparison: Comparison) -> None:
        """Keep a measurement; a file that cannot be written is logged, and measured again next time."""
        entries = {**self._read(), _key(architecture, threads): asdict(comparison)}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            paths.atomic_write_text(self._file, json.dumps({"version": 1, "found": entries}, indent=2) + "\n")
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))["found"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s cannot be read, so encoders are measured again: %s", self._file, error)
            return {}
        return found if isinstance(found, dict) else {}


def _key(architecture: str, threads: int | None) -> str:
    versions = ", ".join(f"{name} {_version(name)}" for name in ("torch", "onnxruntime"))
    threads = threads or os.cpu_count() or 1
    return f"{_LIKE.get(architecture, architecture)}, {threads} threads of {_processor()}, {versions}"


@cache
def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or not an x86
        return platform.processor() or platform.machine()


@cache
def _version(package: str) -> str:
    for name in (package, f"{package}-gpu"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "?"
