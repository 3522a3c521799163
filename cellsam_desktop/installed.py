"""Which copy of the program this is: one that runs from its sources, or an installed build, full or lean.

The lean build has no PyTorch: ONNX Runtime encodes and decodes, and only training and what ONNX Runtime
cannot do need the full one (decision 0270).
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

Flavour: TypeAlias = Literal["sources", "full", "lean"]

FULL_BUILD = "install the full build of CellSAM Desktop"


def flavour() -> Flavour:
    """What this copy is."""
    folder = bundled_dir()
    if folder is None:
        return "sources"
    lean = json.loads((folder / "build.json").read_text(encoding="utf-8"))["flavour"] == "lean"
    return "lean" if lean else "full"


def bundled_dir() -> Path | None:
    """What comes with an installed build: ``models`` and ``decoders``, and ``build.json``. Read only."""
    if not getattr(sys, "frozen", False):
        return None
    return Path(getattr(sys, "_MEIPASS", Path(sys.executable).parent)) / "bundled"


@cache
def has_torch() -> bool:
    """Whether PyTorch is part of this copy; it may still be broken. Found without loading it."""
    return importlib.util.find_spec("torch") is not None


def outside_environment() -> dict[str, str]:
    """The environment for programs of the system: an installed build's own libraries are not for them."""
    environment = dict(os.environ)
    if getattr(sys, "frozen", False):
        for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
            environment.pop(name, None)
            before = environment.pop(f"{name}_ORIG", None)
            if before is not None:
                environment[name] = before
    return environment
