"""The verb ``export``: labels or table of a project."""

from __future__ import annotations

from pathlib import Path

from cellsam_desktop.analysis.series import Measurements
from cellsam_desktop.analysis.table import columns, rows
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.project.exporters.labels import export_labels
from cellsam_desktop.project.exporters.table import write_table
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore


def export_project(project: Path, kind: str, out: Path) -> None:
    """Write the ``labels`` or the ``csv`` of a project; its movie is not needed.

    Raises:
        ProjectError: the project cannot be opened.
        ExchangeError: ``out`` cannot be written.
    """
    with ProjectStore.open(project) as store:
        document, link = store.load(), store.link
        notice = store.notice
    if notice:
        print(notice)
    if kind == "labels":
        write_project_labels(out, document, link)
    else:
        write_project_table(out, document)
    print(f"{len(document)} cells written to {out}.")


def write_project_labels(out: Path, document: Document, link: MovieLink) -> None:
    """All cells as labels of the movie's size; raises ExchangeError."""
    if not link.sizes:
        raise ExchangeError("This rescued project has lost the movie's size: open it in the window once.")
    frames, _, depth, height, width = link.sizes
    export_labels(out, document, (frames, depth, height, width), document.calibration)


def write_project_table(out: Path, document: Document) -> None:
    """The table of masks; raises ExchangeError."""
    scale = document.calibration
    write_table(out, columns(scale), rows(Measurements(document), document, scale))
