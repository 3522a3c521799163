"""The verb ``export``: the cells of a project in any format that the window exports."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.wording import counted
from cellsam_desktop.curation.formats import FORMATS, Outgoing
from cellsam_desktop.curation.measuring import write_measurements
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore

TABLES = ("csv", "parquet")
"""Formats that hold measurements."""


def export_project(project: Path, name: str, out: Path, movie: Path | None = None) -> None:
    """Write a project in the format called ``name``: one of ``formats.FORMATS``, or ``parquet``.

    Its movie is not needed; with one, tables also have the brightness of every channel.

    Raises:
        ProjectError: the project cannot be opened.
        ImageError: the movie cannot be opened or read.
        ExchangeError: ``out`` cannot be written, or the format has no measurements that need a ``movie``.
    """
    if movie is not None and name not in TABLES:
        raise ExchangeError(
            f"Only tables ({' and '.join(TABLES)}) have brightness: leave out --movie for {name}."
        )
    with ProjectStore.open(project) as store:
        document, link = store.load(), store.link
        notice = store.notice
    if notice:
        print(notice)
    if name in TABLES:
        _write_table(out, document, movie, parquet=name == "parquet")
    else:
        write_cells(out, name, document, link)
    print(f"{counted(len(document), 'cell')} written to {out}.")


def _write_table(out: Path, document: Document, movie: Path | None, *, parquet: bool) -> None:
    with open_source(movie) if movie is not None else nullcontext() as source:
        write_measurements(out, document, movie=source, parquet=parquet)


def write_cells(out: Path, name: str, document: Document, link: MovieLink) -> None:
    """All cells in the format called ``name``; raises ExchangeError."""
    if not link.sizes:
        raise ExchangeError("This rescued project has lost the movie's size: open it in the window once.")
    frames, _, depth, height, width = link.sizes
    outgoing = Outgoing(document, (frames, depth, height, width), link.path)
    FORMATS[name].write(out, outgoing, lambda fraction: None)
