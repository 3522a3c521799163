"""What the user prefers, kept between sessions.

A settings file never keeps the program from starting: what is invalid in it is dropped, key by key, and logged.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.errors import CellSamError

log = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda", "mps")
THEMES = ("system", "light", "dark")
MAX_RECENT = 12


def _key(default: Any, read: Callable[[Any], Any]) -> Any:
    """A field with its default (a callable makes one) and the reader that checks what the file says."""
    if callable(default):
        return field(default_factory=default, metadata={"read": read})
    return field(default=default, metadata={"read": read})


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return str(value)

    return read


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not low <= value <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return float(value)

    return read


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return read


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("expected a list of texts")
    return list(value)


def _recent(value: Any) -> list[str]:
    return _texts(value)[:MAX_RECENT]


def _mapping(item: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError("expected names with values")
        return {str(name): item(entry) for name, entry in value.items()}

    return read


@dataclass
class Settings:
    """The preferences. ``shortcuts`` maps an action's id to its keys, only where they differ from the default;
    ``window`` holds Qt's geometry and state in base64; ``brush_radius`` is in image pixels."""

    model: str = _key("vit_t", _text)
    device: str = _key("auto", _one_of(*DEVICES))
    theme: str = _key("system", _one_of(*THEMES))
    cache_limit_gb: float = _key(20.0, _number(0.1, 100_000))
    shortcuts: dict[str, list[str]] = _key(dict, _mapping(_texts))
    recent: list[str] = _key(list, _recent)
    brush_radius: float = _key(6.0, _number(0.5, 500))
    opacity: float = _key(0.45, _number(0, 1))
    trail_frames: int = _key(10, _whole(0, 100_000))
    play_fps: float = _key(8.0, _number(0.1, 120))
    welcomed: bool = _key(False, _flag)
    window: dict[str, str] = _key(dict, _mapping(_text))
    project_folder: str | None = _key(None, _text_or_none)

    @classmethod
    def load(cls, path: Path | None = None) -> Settings:
        """The settings from ``path`` (by default ``settings_file()``); defaults for whatever is not there or invalid."""
        settings = cls()
        known = {entry.name: entry.metadata["read"] for entry in fields(cls)}
        for name, value in _read(path or settings_file()).items():
            if name not in known:
                log.warning("The setting %r is not known and was dropped.", name)
                continue
            try:
                setattr(settings, name, known[name](value))
            except ValueError as error:
                log.warning("The setting %r was dropped, its value %r is invalid: %s.", name, value, error)
        return settings

    def save(self, path: Path | None = None) -> None:
        """Write the settings whole or not at all.

        Raises:
            CellSamError: the file cannot be written.
        """
        path = path or settings_file()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            paths.atomic_write_text(path, json.dumps(asdict(self), indent=2) + "\n")
        except OSError as error:
            raise CellSamError(
                f"The settings cannot be saved to {path} ({error.strerror}): make room there and allow writing."
            ) from error

    def remember(self, opened: Path) -> None:
        """Put a movie or project first in the recent list."""
        name = str(opened)
        self.recent = [name, *(entry for entry in self.recent if entry != name)][:MAX_RECENT]


def settings_file() -> Path:
    """Where the settings are kept."""
    return paths.config_dir() / "settings.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("The settings in %s cannot be read, so the defaults are used: %s", path, error)
        return {}
    if isinstance(data, dict):
        return data
    log.warning("The settings in %s are not a list of names and values, so the defaults are used.", path)
    return {}
