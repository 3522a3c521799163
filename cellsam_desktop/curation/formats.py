"""The formats in which cells come and go. Each is loaded when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import ExchangeError
from cellsam_desktop.core.geometry import MovieSizes, PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.progress import Report
from cellsam_desktop.core.records import Calibration
from cellsam_desktop.project.importers.tracks import Tracks


@dataclass(frozen=True, eq=False)
class Outgoing:
    """What is written: a document that does not change meanwhile, the movie's T, Z, Y, X, and its file."""

    document: Document
    sizes: MovieSizes
    movie: Path | None = None


@dataclass(frozen=True)
class Incoming:
    """What files are read for: the movie's T, Z, Y, X, its scale, the plane that a single image goes onto."""

    sizes: MovieSizes
    scale: Calibration
    onto: PlaneKey


@dataclass(frozen=True)
class Format:
    """One format: its name on the command line and in words, how its files end ("" for a folder)."""

    name: str
    title: str
    ending: str
    read: Callable[[Path, Incoming, Report], Tracks]
    write: Callable[[Path, Outgoing, Report], None]


def recognise(path: Path) -> Format:
    """The format of a file or folder to be read.

    Raises:
        ExchangeError: it is none of them.
    """
    from cellsam_desktop.project.importers.geff import is_geff

    if path.is_dir():
        return FORMATS["geff" if is_geff(path) else "ctc"]
    if path.name in ("res_track.txt", "man_track.txt"):
        return FORMATS["ctc"]
    ending = path.suffix.lower()
    by_ending = {".xml": "trackmate", ".csv": "csv", ".tsv": "csv", ".tif": "labels", ".tiff": "labels"}
    if ending not in by_ending:
        raise ExchangeError(
            f"{path.name} is in no format that holds cells: choose a TIFF of labels, a TrackMate XML, "
            "a CSV table, a GEFF, or a folder of the Cell Tracking Challenge."
        )
    return FORMATS[by_ending[ending]]


def _read_labels(path: Path, into: Incoming, report: Report) -> Tracks:
    from cellsam_desktop.project.importers.labels import import_labels

    masks: dict[int, dict[PlaneKey, Mask]] = {}
    for label, key, mask in import_labels(path, into.sizes, into.onto):
        report(key.t / into.sizes[0])
        masks.setdefault(label, {})[key] = mask
    return Tracks(dict(sorted(masks.items())))


def _write_labels(path: Path, out: Outgoing, report: Report) -> None:
    from cellsam_desktop.project.exporters.labels import export_labels

    export_labels(path, out.document, out.sizes, out.document.calibration, report)


def _read_ctc(path: Path, into: Incoming, report: Report) -> Tracks:
    from cellsam_desktop.project.importers.ctc import import_ctc

    return import_ctc(path, into.sizes, report)


def _write_ctc(path: Path, out: Outgoing, report: Report) -> None:
    from cellsam_desktop.project.exporters.ctc import export_ctc

    export_ctc(path, out.document, out.sizes, progress=report)


def _read_geff(path: Path, into: Incoming, report: Report) -> Tracks:
    from cellsam_desktop.project.importers.geff import import_geff

    return import_geff(path, into.sizes, report, into.scale)


def _write_geff(path: Path, out: Outgoing, report: Report) -> None:
    from cellsam_desktop.project.exporters.geff import export_geff

    export_geff(path, out.document, out.sizes, progress=report)


def _read_trackmate(path: Path, into: Incoming, report: Report) -> Tracks:
    from cellsam_desktop.project.importers.trackmate import import_trackmate

    return import_trackmate(path, into.sizes, report)


def _write_trackmate(path: Path, out: Outgoing, report: Report) -> None:
    from cellsam_desktop.project.exporters.trackmate import export_trackmate

    export_trackmate(path, out.document, out.sizes, movie=out.movie, progress=report)


def _read_csv(path: Path, into: Incoming, report: Report) -> Tracks:
    from cellsam_desktop.project.importers.csv import import_csv

    return import_csv(path, into.sizes, report)


def _write_csv(path: Path, out: Outgoing, report: Report) -> None:
    """The table of measurements, which ends with the masks themselves."""
    from cellsam_desktop.curation.measuring import write_measurements

    write_measurements(path, out.document, report=report)


FORMATS = {
    known.name: known
    for known in (
        Format("labels", "Label image", ".tif", _read_labels, _write_labels),
        Format("ctc", "Cell Tracking Challenge", "", _read_ctc, _write_ctc),
        Format("geff", "GEFF", ".geff", _read_geff, _write_geff),
        Format("trackmate", "TrackMate XML", ".xml", _read_trackmate, _write_trackmate),
        Format("csv", "CSV table with masks", ".csv", _read_csv, _write_csv),
    )
}
"""By the name that the command line knows them under."""
