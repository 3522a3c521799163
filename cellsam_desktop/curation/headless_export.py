"""The verb ``export``: the cells of a project in any format that the window exports."""

from __future__ import annotations

from pathlib import Path

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.curation.formats import FORMATS, Outgoing
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore


def export_project(project: Path, name: str, out: Path) -> None:
    """Write a project in the format called ``name``, see ``formats.FORMATS``; its movie is not needed.

    Raises:
        ProjectError: the project cannot be opened.
        ExchangeError: ``out`` cannot be written.
    """
    with ProjectStore.open(project) as store:
        document, link = store.load(), store.link
        notice = store.notice
    if notice:
        print(notice)
    write_cells(out, name, document, link)
    print(f"{len(document)} cells written to {out}.")


def write_cells(out: Path, name: str, document: Document, link: MovieLink) -> None:
    """All cells in the format called ``name``; raises ExchangeError."""
    if not link.sizes:
        raise ExchangeError("This rescued project has lost the movie's size: open it in the window once.")
    frames, _, depth, height, width = link.sizes
    outgoing = Outgoing(document, (frames, depth, height, width), link.path)
    FORMATS[name].write(out, outgoing, lambda fraction: None)
