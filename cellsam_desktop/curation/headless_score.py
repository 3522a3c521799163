"""The verb ``score``: the measures of the Cell Tracking Challenge, by the package py-ctcmetrics."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from cellsam_desktop import installed
from cellsam_desktop.core.errors import CellSamError, ExchangeError
from cellsam_desktop.core.geometry import PlaneKey
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.wording import counted
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.ctc_table import TrackRow, read_table
from cellsam_desktop.project.exporters.ctc import TRUTH, export_ctc
from cellsam_desktop.project.exporters.writing import write_json
from cellsam_desktop.project.importers.ctc import find_folder, find_table, frame_files
from cellsam_desktop.project.importers.labels import import_labels
from cellsam_desktop.project.importers.tracks import document_of, settle

log = logging.getLogger(__name__)

_TOLERANCES = (0, 1, 2)
Files = dict[int, Path]


@dataclass(frozen=True)
class ScoreTask:
    """``truth``: a folder of the Cell Tracking Challenge, or a movie of labels with constant ids, whose
    divisions are in ``lineage``; ``result``: a folder; ``out``: a JSON file.

    Labels without ``lineage`` say nothing of divisions: those of the result then count neither for nor
    against it.
    """

    truth: Path
    result: Path
    out: Path
    lineage: Path | None = None


@dataclass(frozen=True)
class _Side:
    """Mask files by frame and the table of tracks; ``shapes`` are masks to measure shapes with;
    ``divides`` says whether divisions are known.
    """

    masks: Files
    rows: list[TrackRow]
    shapes: Files
    divides: bool = True


def score(task: ScoreTask) -> dict[str, Any]:
    """Measure, write the JSON file, and return what it holds.

    Raises:
        CellSamError: py-ctcmetrics is missing.
        ExchangeError: something cannot be read, written or compared.
    """
    evaluate = _implementation()
    with tempfile.TemporaryDirectory() as name:
        truth = _truth(task, Path(name))
        result = _result(task.result, truth, Path(name))
        if not truth.rows or len(truth.masks) < 2:
            raise ExchangeError(
                f"The truth in {task.truth} holds {counted(len(truth.rows), 'track')} on "
                f"{counted(len(truth.masks), 'frame')}: "
                "choose one with tracks on two frames at least."
            )
        with _quietly(task.result):
            values = _measure(evaluate, truth, result) if result.rows else _nothing_found(truth)
    write_json(task.out, values)
    return values


def _implementation() -> ModuleType:
    try:
        from ctc_metrics.scripts import evaluate
    except ImportError as error:
        remedy = "use the program from its sources (`make setup`)"
        if installed.flavour() == "sources":
            remedy += ", or run `pip install py-ctcmetrics`"
        raise CellSamError(
            f"`score` needs the package py-ctcmetrics, which is not part of this installation: {remedy}."
        ) from error
    module: ModuleType = evaluate
    return module


def _measure(evaluate: ModuleType, truth: _Side, result: _Side) -> dict[str, Any]:
    times = sorted(truth.masks)
    rows = result.rows if truth.divides else _without_divisions(result.rows)
    tracks = [np.array(list(map(tuple, side))).reshape(-1, 4) for side in (rows, truth.rows)]
    match = evaluate.match_computed_to_reference_masks
    found = match([str(truth.masks[t]) for t in times], [str(result.masks[t]) for t in times], threads=1)
    if not evaluate.valid([str(result.masks[t]) for t in times], tracks[0], found["labels_comp"]):
        raise ExchangeError("the table does not agree with the masks")
    shaped = found
    if truth.shapes != truth.masks:
        some = sorted(truth.shapes)
        shaped = match([str(truth.shapes[t]) for t in some], [str(result.masks[t]) for t in some], threads=1)
    wanted = ["DET", "SEG", "TRA", "LNK", *(["BC"] if truth.divides else [])]
    values = evaluate.calculate_metrics(*tracks, found, shaped, wanted, True)
    return _named(values, len(times))


def _nothing_found(truth: _Side) -> dict[str, Any]:
    """The measures of results without tracks, of which py-ctcmetrics makes an error."""
    children = Counter(row.parent for row in truth.rows if row.parent)
    missed = sum(count > 1 for count in children.values()) if truth.divides else None
    counts = {"tp_div(0)": 0, "fp_div(0)": 0, "fn_div(0)": missed} if truth.divides else {}
    measures = ("DET", "SEG", "TRA", "LNK", *(f"BC({i})" for i in _TOLERANCES if missed))
    return _named(dict.fromkeys(measures, 0.0) | counts, len(truth.masks))


def _without_divisions(rows: list[TrackRow]) -> list[TrackRow]:
    """Keep the links of cells with gaps, which are their parent's only child."""
    children = Counter(row.parent for row in rows)
    return [row._replace(parent=0) if children[row.parent] > 1 else row for row in rows]


def _named(values: Mapping[str, Any], frames: int) -> dict[str, Any]:
    answer: dict[str, Any] = {name: _plain(values.get(name)) for name in ("DET", "SEG", "TRA", "LNK")}
    answer["division_f1"] = _plain(values.get("BC(0)"))
    answer["division_f1_within_frames"] = {str(i): _plain(values.get(f"BC({i})")) for i in _TOLERANCES}
    counts = {"right": "tp_div(0)", "wrong": "fp_div(0)", "missed": "fn_div(0)"}
    answer["divisions"] = {name: values.get(key) and int(values[key]) for name, key in counts.items()}
    answer["frames"] = frames
    answer["implementation"] = f"py-ctcmetrics {version('py-ctcmetrics')}"
    return answer


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)


def _truth(task: ScoreTask, scratch: Path) -> _Side:
    if task.truth.is_dir():
        folder = find_folder(task.truth)
        segmented = folder.parent / "SEG"
        masks = frame_files(folder)
        shapes = frame_files(segmented) if folder.name == "TRA" and segmented.is_dir() else masks
        return _Side(masks, _rows(folder, task.lineage), shapes or masks)
    with open_source(task.truth) as source:
        sizes = source.info.sizes.tzyx
    cells: dict[int, dict[PlaneKey, Mask]] = {}
    for label, key, mask in import_labels(task.truth, sizes):
        cells.setdefault(label, {})[key] = mask
    rows = [] if task.lineage is None else read_table(task.lineage)
    tracks = settle(cells, ((row.label, row.parent) for row in rows if row.parent))
    folder = scratch / "truth"
    export_ctc(folder, document_of(tracks), sizes, naming=TRUTH)
    masks = frame_files(folder)
    return _Side(masks, read_table(folder / TRUTH.table), masks, task.lineage is not None)


def _result(path: Path, truth: _Side, scratch: Path) -> _Side:
    """The results, copied with 32 bits per pixel: the labels of both sides are added up in between."""
    import tifffile

    folder = find_folder(path)
    files = frame_files(folder)
    if files.keys() != truth.masks.keys():
        raise ExchangeError(
            f"{folder} holds {len(files)} frames, up to {max(files)}, and the truth {len(truth.masks)}, "
            f"up to {max(truth.masks)}: choose results of the same movie."
        )
    copies = {}
    for t, file in files.items():
        try:
            labels, wanted = tifffile.imread(file), tifffile.imread(truth.masks[t]).shape
        except (ValueError, OSError) as error:
            raise ExchangeError(f"{file} cannot be read as TIFF: write the results again.") from error
        if labels.shape != wanted:
            raise ExchangeError(
                f"{file} has the shape {labels.shape} and the ground truth {wanted}: "
                "choose results of the same movie."
            )
        copies[t] = scratch / f"mask{t:05}.tif"
        tifffile.imwrite(copies[t], labels.astype(np.uint32), compression="zlib")
    return _Side(copies, _rows(folder, None), copies)


def _rows(folder: Path, lineage: Path | None) -> list[TrackRow]:
    table = lineage or find_table(folder)
    if table is None:
        raise ExchangeError(
            f"{folder} holds masks but neither res_track.txt nor man_track.txt: add the table."
        )
    rows = read_table(table)
    orphans = {row.parent for row in rows} - {row.label for row in rows} - {0}
    if orphans:
        raise ExchangeError(
            f"{table} names the parent {min(orphans)}, which has no line of its own: correct the table."
        )
    return rows


@contextmanager
def _quietly(result: Path) -> Iterator[None]:
    """Let the package's findings about broken results become one sentence."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (AssertionError, LookupError, ValueError, ExchangeError) as error:
            found = "; ".join(dict.fromkeys(str(warning.message) for warning in caught)) or str(error)
            log.info("The results are not valid: %s", found)
            raise ExchangeError(
                f"The results in {result} break the rules of the Cell Tracking Challenge ({found[:200]}): "
                "export them again."
            ) from error
