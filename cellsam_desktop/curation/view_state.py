"""What is on screen and how: frame, selection, tool, contrast, visibility."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from psygnal import Signal

from cellsam_desktop.analysis.colouring import ColourBy
from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.geometry import PlaneIndex, PlaneKey
from cellsam_desktop.images.contrast import Contrast

log = logging.getLogger(__name__)

Viewport = tuple[float, float, float, float]


class Tool(StrEnum):
    """The six tools, in the order of the keys 1 to 6."""

    POINT = "point"
    BOX = "box"
    BRUSH = "brush"
    ERASER = "eraser"
    LASSO = "lasso"
    SELECT = "select"


def _same(value: Any) -> Any:
    return value


def _kept(read: Callable[[Any], Any], write: Callable[[Any], Any] = _same) -> dict[str, Any]:
    """Marks a field as belonging to one movie, kept in its project."""
    return {"read": read, "write": write}


def _ids(value: Any) -> tuple[int, ...]:
    return tuple(int(cell_id) for cell_id in value)


def _id_set(value: Any) -> frozenset[int]:
    return frozenset(_ids(value))


def _viewport(value: Any) -> Viewport | None:
    if value is None:
        return None
    x0, y0, x1, y1 = (float(edge) for edge in value)
    return x0, y0, x1, y1


def _read_contrast(value: Any) -> dict[int, Contrast]:
    return {int(c): Contrast.from_json(entry) for c, entry in value.items()}


def _write_contrast(value: Mapping[int, Contrast]) -> dict[str, dict[str, float]]:
    return {str(c): contrast.to_json() for c, contrast in value.items()}


@dataclass(eq=False)
class ViewState:
    """The state of the view; read the attributes, change them with ``set`` only.

    ``changed`` carries the names of the fields that really changed, once per ``set``. ``contrast`` maps a
    channel to its range; ``solo`` is empty when all cells are shown; ``viewport`` is the visible part of
    the plane as (x0, y0, x1, y1) in pixels, None for the whole; ``brush_radius`` is in pixels; ``trail``
    is the number of frames of path drawn behind each cell; ``onion`` shows the
    outlines of the frame before; ``play_direction`` is +1 or -1.
    """

    changed = Signal(frozenset)

    t: int = field(default=0, metadata=_kept(int))
    c: int = field(default=0, metadata=_kept(int))
    z: int = field(default=0, metadata=_kept(int))
    selection: tuple[int, ...] = field(default=(), metadata=_kept(_ids, list))
    contrast: dict[int, Contrast] = field(
        default_factory=dict, metadata=_kept(_read_contrast, _write_contrast)
    )
    hidden: frozenset[int] = field(default=frozenset(), metadata=_kept(_id_set, sorted))
    solo: frozenset[int] = field(default=frozenset(), metadata=_kept(_id_set, sorted))
    viewport: Viewport | None = field(default=None, metadata=_kept(_viewport))
    show_masks: bool = field(default=True, metadata=_kept(bool))
    show_outlines: bool = field(default=True, metadata=_kept(bool))
    colour_by: ColourBy = field(default=ColourBy.CELL, metadata=_kept(ColourBy, str))
    onion: bool = field(default=False, metadata=_kept(bool))
    tool: Tool = Tool.POINT
    opacity: float = 0.45
    hide_all: bool = False
    trail: int = 10
    brush_radius: float = 6.0
    play_direction: int = 1

    @property
    def index(self) -> PlaneIndex:
        """The plane on screen."""
        return PlaneIndex(self.t, self.c, self.z)

    @property
    def key(self) -> PlaneKey:
        """Where the masks on screen lie."""
        return PlaneKey(self.t, self.z)

    def set(self, **values: Any) -> None:
        """Change fields by name and announce those that differ."""
        unknown = values.keys() - _NAMES
        if unknown:
            raise TypeError(f"the view has no {', '.join(sorted(unknown))}")
        changed = {name: value for name, value in values.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        if changed:
            self.changed.emit(frozenset(changed))

    def is_visible(self, cell_id: int) -> bool:
        """Whether the masks of a cell are shown, as far as the layers decide."""
        return cell_id not in self.hidden and (not self.solo or cell_id in self.solo)

    def to_json(self) -> dict[str, Any]:
        """What belongs to the movie, as plain data for its project."""
        return {name: entry["write"](getattr(self, name)) for name, entry in _KEPT.items()}

    def from_json(self, data: Mapping[str, Any]) -> None:
        """Begin with a movie: take what its project kept, and the defaults for everything else of a movie.

        What is damaged in ``data`` is dropped and logged, value by value.
        """
        fresh = ViewState()
        values = {name: getattr(fresh, name) for name in _KEPT}
        for name in _KEPT.keys() & data.keys():
            try:
                values[name] = _KEPT[name]["read"](data[name])
            except (TypeError, ValueError, AttributeError, ImageError) as error:
                log.warning("The stored view's %s was dropped: %s", name, error)
        self.set(**values)


_NAMES = frozenset(entry.name for entry in fields(ViewState))
_KEPT = {entry.name: entry.metadata for entry in fields(ViewState) if entry.metadata}

KEPT_FIELDS = frozenset(_KEPT)
"""Names of the fields that belong to a movie."""
