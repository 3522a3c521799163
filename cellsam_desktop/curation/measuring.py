"""The table of everything measured, as CSV or Parquet, with the masks behind each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.progress import Report
from cellsam_desktop.images.source import ImageSource
from cellsam_desktop.jobs.runner import Progress

if TYPE_CHECKING:
    from cellsam_desktop.analysis.details import Detail
    from cellsam_desktop.curation.session import Session

PARQUET = ".parquet"


class Measuring:
    """Measures the open movie's cells in the background and writes what it found."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def export(self, path: Path, cells: Iterable[int] | None = None) -> None:
        """Write the table of these cells (None: all) with the brightness of every channel.

        A name that ends with ``.parquet`` makes a Parquet file, any other one CSV.
        """
        movie = self._session.movie
        if movie is None:
            return
        document = movie.document.snapshot()
        chosen = None if cells is None else list(cells)
        self._session.jobs.runner.run(
            f"Measuring for {path.name}",
            partial(_measure, path, document, chosen, movie.source),
            lambda _: self._session.notices.info(f"Table written to {path}."),
            self._session.notices.failed,
        )


def write_measurements(
    path: Path,
    document: Document,
    cells: Sequence[int] | None = None,
    movie: ImageSource | None = None,
    report: Report = lambda _: None,
    *,
    parquet: bool = False,
) -> None:
    """Write one line per mask, with brightness if there is a ``movie``; see ``analysis.detail_table``.

    Behind the measurements follow whether the mask is marked as seen, its box and its pixels, see
    ``project.runs``. It is a CSV table unless ``parquet`` is asked for. ``report`` gets the fraction done,
    and may raise to cancel.

    Raises:
        ExchangeError: ``path`` cannot be written.
        ImageError: a plane cannot be read.
    """
    from cellsam_desktop.analysis.detail_table import Column, detail_columns, detail_rows
    from cellsam_desktop.analysis.details import details
    from cellsam_desktop.analysis.intensity import Intensities, measure_intensities
    from cellsam_desktop.project import runs
    from cellsam_desktop.project.exporters.table import write_columns

    bright = Intensities()
    if movie is not None:
        info = movie.info
        bright = measure_intensities(
            document,
            movie.read_plane,
            info.sizes.c,
            info.channel_names,
            cells=cells,
            rgb=info.rgb,
            progress=lambda done: report(0.6 * done),
        )
    start = 0.6 if movie is not None else 0.0
    found = details(document, cells, bright, lambda done: report(start + (1 - start) * done))
    columns = detail_columns(document.calibration, bright.channels)
    columns += [Column("seen", int), *(Column(name, int) for name in runs.COLUMNS[:4]), Column("mask", str)]

    one, other = tee(found)
    measured = detail_rows(one, document, document.calibration)
    rows = ([*row, *_mask_of(document, detail)] for row, detail in zip(measured, other, strict=True))
    write_columns(path, columns, rows, as_parquet=parquet)


def _mask_of(document: Document, detail: Detail) -> list[str | int]:
    from cellsam_desktop.project import runs

    cell_id, key = detail.row.cell_id, PlaneKey(detail.row.t, detail.row.z)
    return [int(document.is_seen(cell_id, key)), *runs.columns_of(document.track(cell_id)[key].mask)]


def _measure(
    path: Path, document: Document, cells: Sequence[int] | None, movie: ImageSource, progress: Progress
) -> None:
    parquet = path.suffix.lower() == PARQUET
    write_measurements(path, document, cells, movie, progress, parquet=parquet)
