"""Whether PyTorch or ONNX Runtime encodes quicker on this computer's CPU: measured once and remembered.

It depends on the processor and on the versions of both, hardly on the weights: one measurement serves all
models of an architecture.
"""

from __future__ import annotations

import json
import logging
import platform
import sys
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cellsam_desktop import installed, paths
from cellsam_desktop.sam.cores import usable

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
        """What to use: as measured, if need be with another number of threads, or what is likely quicker."""
        if not installed.has_torch():
            return "onnxruntime"
        like = f"{_LIKE.get(architecture, architecture)},"
        others = [known for case, known in self.here().items() if case.startswith(like)]
        found = self.find(architecture, threads) or next(iter(others), None)
        if found is not None:
            return found.backend
        return "pytorch" if sys.platform == "darwin" else "onnxruntime"  # PyTorch uses Apple's matrix unit

    def find(self, architecture: str, threads: int | None) -> Comparison | None:
        """What was measured for this architecture with exactly so many threads."""
        return self.here().get(_case(architecture, threads))

    def here(self) -> dict[str, Comparison]:
        """All measurements that hold on this computer, by architecture and threads."""
        try:
            return {case: Comparison(**entry) for case, entry in self._read().get(_computer(), {}).items()}
        except (TypeError, AttributeError) as error:
            log.warning("%s is damaged, so encoders are measured again: %s", self._file, error)
            return {}

    def remember(self, architecture: str, threads: int | None, comparison: Comparison) -> None:
        """Keep a measurement; a file that cannot be written is logged, and measured again next time."""
        here = {case: asdict(known) for case, known in self.here().items()}
        here[_case(architecture, threads)] = asdict(comparison)
        entries = {**self._read(), _computer(): here}
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


def _case(architecture: str, threads: int | None) -> str:
    return f"{_LIKE.get(architecture, architecture)}, threads: {threads or usable()}"


def _computer() -> str:
    """The processor, and the versions of both programs."""
    return ", ".join([_processor(), *(f"{name} {_version(name)}" for name in ("torch", "onnxruntime"))])


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
