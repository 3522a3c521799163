"""What takes longer to measure than a centroid, for plots: outline, neighbours, brightness over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from psygnal import Signal

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.images.source import ImageSource
from cellsam_desktop.jobs.runner import Job, Progress

if TYPE_CHECKING:
    from cellsam_desktop.analysis.details import Detail
    from cellsam_desktop.curation.session import Session

Values = Mapping[int, Mapping[int, float]]
"""A value by cell id and frame."""


class Quantity(StrEnum):
    """What is measured in the background."""

    PERIMETER = "Perimeter"
    ECCENTRICITY = "Eccentricity"
    NEIGHBOURS = "Neighbours"
    INTENSITY = "Intensity"


class Curves:
    """Measures one quantity of a few cells in the background; ``changed`` when ``values`` are there.

    Masks of one frame in several z positions give their mean, weighted by area. Lengths are in pixels;
    the intensity is the mean grey value of channel ``channel``, the colours of a colour image averaged.
    ``passes`` counts the measurements.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: tuple[Quantity, tuple[int, ...]] | None = None
        self._job: Job | None = None
        self.values: Values = {}
        self.passes = 0

    def ask(self, quantity: Quantity | None, cell_ids: Sequence[int]) -> None:
        """Measure these cells; None stops. What was asked before is dropped."""
        self.values = {}
        if self._job is not None:
            self._job.cancel()
            self._job = None
        movie = self._session.movie
        if quantity is None or movie is None or not cell_ids:
            return
        document, source, channel = movie.document.snapshot(), movie.source, self._session.view.c
        ids = list(cell_ids)

        def work(progress: Progress) -> Values:
            return measure(document, source, quantity, ids, channel, progress)

        def done(values: Values) -> None:
            if self._job is job:
                self._job, self.values = None, values
                self.changed.emit()

        def failed(error: CellSamError) -> None:
            if self._job is job:
                self._job = None
                self._session.notices.failed(error)

        self.passes += 1
        job = self._job = self._session.jobs.runner.run(f"Measuring {quantity.lower()}", work, done, failed)


def measure(
    document: Document,
    source: ImageSource,
    quantity: Quantity,
    cell_ids: list[int],
    channel: int,
    progress: Progress,
) -> Values:
    """One quantity of these cells, frame by frame.

    Raises:
        ImageError: a plane cannot be read.
        Cancelled: somebody asked to stop.
    """
    from cellsam_desktop.analysis.details import details
    from cellsam_desktop.analysis.intensity import Intensities, measure_intensities

    bright = Intensities()
    if quantity is Quantity.INTENSITY:
        bright = measure_intensities(
            document,
            lambda index: source.read_plane(index._replace(c=channel)),
            1,
            cells=cell_ids,
            rgb=source.info.rgb,
            progress=progress,
        )
    sums: dict[int, dict[int, tuple[float, int]]] = {}
    for detail in details(document, cell_ids, bright, progress):
        row = detail.row
        total, area = sums.setdefault(row.cell_id, {}).get(row.t, (0.0, 0))
        sums[row.cell_id][row.t] = total + row.area * _value(detail, quantity), area + row.area
    return {i: {t: total / area for t, (total, area) in of_cell.items()} for i, of_cell in sums.items()}


def _value(detail: Detail, quantity: Quantity) -> float:
    match quantity:
        case Quantity.PERIMETER:
            return detail.perimeter
        case Quantity.ECCENTRICITY:
            return detail.eccentricity
        case Quantity.NEIGHBOURS:
            return detail.neighbours
        case Quantity.INTENSITY:
            means = [intensity.mean for intensity in detail.intensities]
            return sum(means) / len(means)
