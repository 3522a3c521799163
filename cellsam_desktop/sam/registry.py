"""The models this computer has: those known by name and those the user added."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellsam_desktop import installed, paths
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.digests import sha256_of
from cellsam_desktop.sam.known_models import ARCHITECTURES, KNOWN_MODELS, ModelSpec
from cellsam_desktop.sam.placement import copy_into_place, disk_error

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KNOWN = {spec.name: spec for spec in KNOWN_MODELS}


class ModelRegistry:
    """Models by name, their files in one folder; added ones are listed in its ``models.json``."""

    def __init__(self, models_dir: Path | None = None) -> None:
        self.models_dir = models_dir if models_dir is not None else paths.models_dir()
        self._index = self.models_dir / "models.json"

    def specs(self) -> list[ModelSpec]:
        """All models, the known ones first.

        Raises:
            ModelError: ``models.json`` cannot be read.
        """
        return [*KNOWN_MODELS, *self._added().values()]

    def get(self, name: str) -> ModelSpec:
        """The model called ``name``.

        Raises:
            ModelError: there is none.
        """
        models = {spec.name: spec for spec in self.specs()}
        if name not in models:
            raise ModelError(f"There is no model called {name!r}: choose one of {', '.join(models)}.")
        return models[name]

    def path(self, name: str) -> Path | None:
        """The weights of ``name``, None when they are not on this computer.

        Raises:
            ModelError: there is no such model.
        """
        return self.found(self.get(name))

    def found(self, spec: ModelSpec) -> Path | None:
        """Its weights in the models folder, or else those that an installed build brings."""
        places = (self.target(spec), self._bundled(spec))
        return next((file for file in places if file is not None and file.is_file()), None)

    def target(self, spec: ModelSpec) -> Path:
        """Where the weights of ``spec`` belong."""
        return self.models_dir / spec.filename

    def add(self, name: str, file: Path, architecture: str) -> ModelSpec:
        """Copy the weights in ``file`` to the models folder and list them as ``name``.

        Raises:
            ModelError: the name is taken or malformed, the architecture unknown, or the file unreadable.
        """
        if architecture not in ARCHITECTURES:
            raise ModelError(
                f"The architecture {architecture!r} is not known: choose one of {', '.join(ARCHITECTURES)}."
            )
        if not _NAME.fullmatch(name):
            raise ModelError(
                f"A model cannot be called {name!r}: use letters, digits, '.', '_' and '-', 64 at most."
            )
        added = self._added()
        if name in _KNOWN or name in added:
            raise ModelError(f"There is already a model called {name}: choose another name.")
        target = self.models_dir / f"added-{name}{file.suffix}"
        copy_into_place(file, target)
        spec = ModelSpec(
            name=name,
            architecture=architecture,
            title=f"{file.name} (added)",
            urls=(),
            filename=target.name,
            size=target.stat().st_size,
            sha256=sha256_of(target),
            licence="not stated",
        )
        self._save({**added, name: spec})
        return spec

    def remove(self, name: str) -> None:
        """Delete the weights of ``name``; an added model is forgotten as well.

        Raises:
            ModelError: there is no such model, or it is not on this computer.
        """
        spec, added = self.get(name), self._added()
        file = self.target(spec)
        if name not in added and not file.exists():
            if self.path(name) is not None:
                raise ModelError(f"The model {name} is part of the program, so it stays.")
            raise ModelError(f"The model {name} is not on this computer, so there is nothing to remove.")
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"{file} cannot be deleted: {error.strerror or error}.") from error
        if name in added:
            del added[name]
            self._save(added)

    def _bundled(self, spec: ModelSpec) -> Path | None:
        folder = installed.bundled_dir()
        return None if folder is None else folder / "models" / spec.filename

    def _added(self) -> dict[str, ModelSpec]:
        try:
            entries = json.loads(self._index.read_text(encoding="utf-8"))["models"]
            return {entry["name"]: _from_json(entry) for entry in entries}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The list of added models {self._index} cannot be read: mend or delete that file."
            ) from error

    def _save(self, added: Mapping[str, ModelSpec]) -> None:
        data = {"version": 1, "models": [_to_json(spec) for spec in added.values()]}
        try:
            paths.atomic_write_text(self._index, json.dumps(data, indent=2) + "\n")
        except OSError as error:
            raise disk_error(self._index, error) from error


_FIELDS = ("name", "architecture", "title", "filename", "size", "sha256", "licence", "notes")


def _to_json(spec: ModelSpec) -> dict[str, Any]:
    return {field: getattr(spec, field) for field in _FIELDS}


def _from_json(entry: Mapping[str, Any]) -> ModelSpec:
    return ModelSpec(urls=(), **{field: entry[field] for field in _FIELDS})
