"""What the user prefers, kept between sessions.

A settings file never keeps the program from starting: what is invalid in it is dropped, key by key, and
logged.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.devices import DEVICES
from cellsam_desktop.core.errors import CellSamError

log = logging.getLogger(__name__)

THEMES = ("system", "light", "dark")
MAX_RECENT = 12


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected text")
    return value


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


PLAY_FPS = (0.5, 60.0)
"""The slowest and the fastest play, in frames per second."""


@dataclass
class Settings:
    """The preferences.

    ``shortcuts`` maps an action's id to its keys, only where they differ from the default; ``window`` holds
    Qt's geometry and state in base64; ``brush_radius`` is in image pixels; ``reference_mode`` asks the
    model as its authors do: whole planes only, candidates by predicted IoU. ``decoders`` names the
    trained decoder in use for a model, "" or nothing stands for its own; ``decoders_before`` names those in
    use before it, the newest last; "" is the model's own.
    """

    model: str = "vit_t"
    device: str = "auto"
    theme: str = "system"
    cache_limit_gb: float = 20.0
    shortcuts: dict[str, list[str]] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    brush_radius: float = 6.0
    opacity: float = 0.45
    trail_frames: int = 10
    play_fps: float = 8.0
    welcomed: bool = False
    window: dict[str, str] = field(default_factory=dict)
    reference_mode: bool = False
    decoders: dict[str, str] = field(default_factory=dict)
    decoders_before: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> Settings:
        """The settings from ``path`` (``settings_file()``), defaults for what is absent or invalid there."""
        settings = cls()
        for name, value in _read(path or settings_file()).items():
            if name not in READERS:
                log.warning("The setting %r is not known and was dropped.", name)
                continue
            try:
                setattr(settings, name, READERS[name](value))
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
                f"The settings cannot be saved to {path} ({error.strerror}): make room and allow writing."
            ) from error

    def remember(self, opened: Path) -> None:
        """Put a movie or project first in the recent list."""
        name = str(opened)
        self.recent = [name, *(entry for entry in self.recent if entry != name)][:MAX_RECENT]


READERS: dict[str, Callable[[Any], Any]] = {
    "model": _text,
    "device": _one_of(*DEVICES),
    "theme": _one_of(*THEMES),
    "cache_limit_gb": _number(0.1, 100_000),
    "shortcuts": _mapping(_texts),
    "recent": _recent,
    "brush_radius": _number(0.5, 500),
    "opacity": _number(0, 1),
    "trail_frames": _whole(0, 100_000),
    "play_fps": _number(*PLAY_FPS),
    "welcomed": _flag,
    "window": _mapping(_text),
    "reference_mode": _flag,
    "decoders": _mapping(_text),
    "decoders_before": _mapping(_texts),
}
"""What checks each setting's value as the file gives it; raises ``ValueError``."""


def settings_file() -> Path:
    """Where the settings are kept."""
    return paths.config_dir() / "settings.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        log.warning("The settings in %s cannot be read, so the defaults are used: %s", path, error)
        return {}
    except ValueError:
        data = None
    if isinstance(data, dict):
        return data
    _set_aside(path)
    return {}


def _set_aside(path: Path) -> None:
    """Rename a file that is no settings file, lest the next save destroy what someone wrote there."""
    aside = path.with_suffix(".broken.json")
    log.warning("The settings in %s are not valid JSON and the defaults are used: see %s.", path, aside)
    try:
        path.replace(aside)
    except OSError as error:
        log.warning("%s cannot be renamed: %s", path, error)
