"""The model that training begins with: its encoder stays as it is, its decoder learns."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellsam_desktop.sam.architectures import SamModel, build
from cellsam_desktop.sam.digests import digest
from cellsam_desktop.sam.fetch import fetch
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.sam.weights import load_checkpoint


@dataclass(frozen=True)
class Base:
    """A model by the ``name`` that 'models list' shows, and its weights."""

    name: str
    architecture: str
    checkpoint: Path

    @classmethod
    def find(cls, name: str) -> Base:
        """The model called ``name``, fetched first if it is not on this computer.

        Raises:
            ModelError: there is no such model, or it cannot be fetched.
        """
        registry = ModelRegistry()
        spec = registry.get(name)
        checkpoint = registry.path(name)
        if checkpoint is None:
            print(f"Fetching the model {name} ...", file=sys.stderr, flush=True)
            checkpoint = fetch(spec, registry)
        return cls(name, spec.architecture, checkpoint)

    @property
    def sha256(self) -> str:
        """The digest of the weights."""
        return digest(self.checkpoint)

    def build(self) -> SamModel:
        """The whole model in evaluation mode, on the CPU.

        Raises:
            ModelError: the weights cannot be read, or do not fit.
        """
        return build(self.architecture, load_checkpoint(self.checkpoint))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"name": self.name, "architecture": self.architecture, "sha256": self.sha256}
