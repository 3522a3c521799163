"""One case of ``benchmarks.scale``: ``python -m benchmarks.scale_case NAME FOLDER TIMES``.

Makes the movie and the project in FOLDER, works in the window, and prints what it cost as one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from PySide6.QtCore import Qt

from benchmarks.made_project import Crowd, Shapes, write_labels, write_movie
from benchmarks.scale_cases import CASES, IMPORT
from benchmarks.scale_window import Cost, Window, peak_mb, resident_mb
from cellsam_desktop.core.changes import ChangeSet
from cellsam_desktop.core.document import Document
from cellsam_desktop.core.records import Calibration, Cell, MaskRecord, Source
from cellsam_desktop.images.fingerprint import fingerprint
from cellsam_desktop.images.opening import open_source
from cellsam_desktop.project.link import MovieLink
from cellsam_desktop.project.store import ProjectStore, everything

KEY = Qt.Key
_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_EMPTY = 3.0
"""No cell lies on this row and column."""

Figures = dict[str, float | dict[str, float]]


def make(crowd: Crowd, movie: Path) -> Path:
    """The movie and a project with the crowd's cells; the project's path."""
    write_movie(movie, crowd.frames)
    document, shapes = Document(), Shapes(crowd)
    for cell_id in range(1, crowd.cells + 1):
        document.put_cell(Cell(cell_id))
        for key in crowd.keys(cell_id):
            document.put_record(cell_id, key, MaskRecord(shapes.mask(cell_id, key.t), Source.PROPAGATED, 0.9))
    with open_source(movie) as source:
        sizes = source.info.sizes
        link = MovieLink(movie, fingerprint(source), None, (sizes.t, sizes.c, sizes.z, sizes.y, sizes.x))
    path = movie.with_name(movie.name + ".cellsam")
    with ProjectStore.create(path, link, Calibration()) as store:
        store.save(document, everything(document))
    return path


def work(crowd: Crowd, project: Path, times: int) -> Figures:
    """Open the project, do what a curator does all day, and tell what each action cost."""
    window = Window()
    before, cost = resident_mb(), Cost()
    session = window.session
    seconds = window.cost(lambda: session.open(project), cost, lambda: session.movie and window.here())
    figures: Figures = {"open_s": seconds, "open": cost.figures(), "memory_mb": resident_mb() - before}
    assert session.movie is not None
    session.navigation.go_to(crowd.frames // 2)
    window.wait(window.here)
    figures |= {name: cost.figures() for name, cost in _act(window, crowd, times).items()}
    figures["save_ms"] = _save_ms(session.movie.store, session.movie.document, crowd, times)
    figures["resident_mb"], figures["peak_mb"] = resident_mb(), peak_mb()
    window.close()
    figures["file_mb"] = project.stat().st_size / 1e6
    return figures


def _act(window: Window, crowd: Crowd, times: int) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    shapes, view = Shapes(crowd), window.session.view

    def do(name: str, act: Callable[[], object]) -> None:
        window.cost(act, costs.setdefault(name, Cost()), window.here)

    def some(n: int) -> tuple[float, float]:
        here = crowd.on(view.t)
        return shapes.place(here[n % len(here)])

    for n in range(times):
        do("step", lambda n=n: window.key(KEY.Key_Right if n % 2 else KEY.Key_Left))
        do("leap", lambda n=n: window.session.navigation.go_to((view.t + 7 * n + 3) % crowd.frames))
    window.key(KEY.Key_V)
    for n in range(times):
        do("select", lambda n=n: window.click(*some(n)))
    window.key(KEY.Key_B)
    for n in range(times):
        do("deselect", lambda: window.session.editing.select(()))
        do("accept", lambda n=n: window.stroke(*some(n), 12.0))
        do("undo", lambda: window.key(KEY.Key_Z, _CTRL))
        do("redo", lambda: window.key(KEY.Key_Z, _CTRL | _SHIFT))
    for n in range(max(2, times // 4)):
        do("select_all", window.select_all)
        do("step_all_selected", lambda n=n: window.key(KEY.Key_Left if n % 2 else KEY.Key_Right))
        do("deselect_all", lambda: window.session.editing.select(()))
    return costs


def _save_ms(store: ProjectStore | None, document: Document, crowd: Crowd, times: int) -> float:
    """Milliseconds to write one mask to the project file."""
    assert store is not None
    spent = []
    for cell_id in range(1, 4 * times + 1):
        chosen = 1 + cell_id * 37 % crowd.cells
        changes = ChangeSet(places={chosen: frozenset(crowd.keys(chosen)[:1])})
        began = time.perf_counter()
        store.save(document, changes)
        spent.append(1000 * (time.perf_counter() - began))
    return median(spent)


def bring_in(crowd: Crowd, movie: Path) -> Figures:
    """Import the crowd's masks from a label movie, undo and redo that."""
    write_movie(movie, crowd.frames)
    labels = movie.with_name("labels.tif")
    write_labels(labels, crowd)
    window = Window()
    session = window.session
    session.open(movie)
    window.wait(lambda: session.movie is not None and window.here())
    figures: Figures = {}

    def count() -> int:
        return 0 if session.movie is None else len(session.movie.document)

    def quiet() -> bool:
        return not session.jobs.runner.jobs

    steps: tuple[tuple[str, Callable[[], object], int], ...] = (
        ("import", lambda: session.exchange.import_labels(labels), crowd.cells),
        ("undo_import", lambda: window.key(KEY.Key_Z, _CTRL), 0),
        ("redo_import", lambda: window.key(KEY.Key_Z, _CTRL | _SHIFT), crowd.cells),
    )
    for name, act, cells in steps:
        cost = Cost()
        figures[f"{name}_s"] = window.cost(act, cost, lambda cells=cells: count() == cells and quiet())
        figures[name] = cost.figures()
    window.close()
    return figures


def main() -> int:
    """Run the case named on the command line."""
    name, folder, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    movie = folder / "movie.tif"
    if name == IMPORT.name:
        figures = bring_in(IMPORT, movie)
    else:
        crowd = CASES[name]
        figures = work(crowd, make(crowd, movie), times)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
