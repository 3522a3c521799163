"""The real lineage of a *C. elegans* embryo in the real window: 720 tracks, 358 divisions, 195 frames.

    python -m benchmarks.lineage [--times N] [--data FOLDER]

Centroids become small discs on a made-up movie (``embryo_project``); the window, without an encoder, opens
the project with the lineage panel on top. Per action: ``work_ms`` is all the work of the main thread until
the window is at rest, ``handler_ms`` the longest single event handler, ``worst_ms`` the longest of all (by
the thread's own processor time); ``layouts`` and ``pictures`` how often the forest was laid out and drawn.
*layout* and *draw* are the bare functions. *items* draws the same forest as one pyqtgraph curve per cell,
zoomed in turn with ours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.scale_window import Window
    from cellsam_desktop.analysis.forest import Forest
    from cellsam_desktop.ui.panels.lineage.view import LineageView

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "celegans"
_BEGIN = 120
_IDLE_MS = 15.0
Figures = dict[str, dict[str, float]]


def bare(forest: Forest, spans: dict[int, tuple[int, int]], divisions: list[Any], times: int) -> Figures:
    """Milliseconds of the layout, and of drawing the whole forest, one colour per cell and one per frame."""
    import numpy as np

    from cellsam_desktop.analysis.forest import layout
    from cellsam_desktop.ui.panels.lineage.drawing import Ink, Window, draw

    window = Window(-1, forest.width, 0.4, forest.frames[1] + 1.4, 340, 420)
    table = np.arange(256, dtype=np.uint32)
    rows = (forest.ids % 255 + 1).astype(np.uint8)
    lives = forest.last - forest.first + 1
    over_time = Ink(table, rows, np.ones(lives.sum(), np.uint8), np.cumsum(lives) - lives)
    return {
        "layout": {"ms": _median_ms(lambda: layout(spans, divisions), times)},
        "draw": {"ms": _median_ms(lambda: draw(forest, window, Ink(table, rows)), times)},
        "draw over time": {"ms": _median_ms(lambda: draw(forest, window, over_time), times)},
    }


def act(window: Window, times: int) -> Figures:
    """What each action costs, and how often the forest was laid out and drawn meanwhile."""
    from cellsam_desktop.analysis.colouring import ColourBy

    session, panel = window.session, window.window.lineage
    here = iter(range(10_000))
    document = session.movie.document if session.movie is not None else None
    assert document is not None
    ids = document.cell_ids

    def colour() -> None:
        choices = (ColourBy.LINEAGE, ColourBy.GENERATION, ColourBy.CELL)
        session.view.set(colour_by=choices[next(here) % len(choices)])

    actions: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "step": lambda: session.navigation.step(1 if next(here) % 2 else -1),
        "select": lambda: session.editing.select((ids[37 * next(here) % len(ids)],)),
        "select all": lambda: session.editing.select(ids if next(here) % 2 else ids[:1]),
        "zoom": lambda: _wheel(panel.view, 120 if next(here) % 2 else -120),
        "pan": lambda: panel.view.box.translateBy(x=3 if next(here) % 2 else -3),
        "colour by": colour,
        "rename": lambda: session.editing.rename(ids[next(here) % len(ids)], f"name {next(here)}"),
    }
    figures = {name: _cost(window, action, times) for name, action in actions.items()}
    session.view.set(colour_by=ColourBy.SPEED)
    window.wait(lambda: session.colouring.legend is not None)
    figures["step, by speed"] = _cost(window, actions["step"], times)
    session.view.set(colour_by=ColourBy.CELL)
    window.rest()
    return figures


def beside_items(window: Window, view: LineageView, times: int) -> Figures:
    """Zooming by a wheel's click: ours, and one pyqtgraph curve per cell in a view of the same size."""
    import pyqtgraph as pg

    plot, forest = pg.PlotWidget(), view.forest
    plot.plotItem.hideButtons()
    plot.invertY(True)
    for n in range(len(forest)):
        x, m = float(forest.columns[n]), int(forest.mother[n])
        top = float(forest.first[n])
        knee = [float(forest.columns[m]), x] if m >= 0 else [x, x]
        plot.addItem(pg.PlotCurveItem([*knee, x], [top, top, float(forest.last[n])], pen=pg.intColor(n, 255)))
    plot.resize(view.size())
    plot.show()
    window.rest()
    spent: dict[str, list[float]] = {"ours": [], "items": []}
    for number in range(2 * times):
        for name, widget in (("ours", view), ("items", plot)):
            began = perf_counter()
            _wheel(widget, 120 if number % 2 else -120)
            widget.viewport().repaint()
            spent[name].append(1000 * (perf_counter() - began))
    plot.close()
    ratios = [ours / items for ours, items in zip(spent["ours"], spent["items"], strict=True)]
    return {
        "zoom beside items": {"ms": median(spent["ours"])},
        "items, zoom": {"ms": median(spent["items"]), "ratio": median(ratios)},
    }


def _wheel(widget: Any, delta: int) -> None:
    """A click of the wheel in the middle."""
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    middle = QPointF(widget.viewport().rect().center())
    none, phase = Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    place = widget.viewport().mapToGlobal(middle)
    event = QWheelEvent(
        middle, place, QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton, none, phase, False
    )
    QApplication.sendEvent(widget.viewport(), event)


def _rest_until_idle(window: Window) -> None:
    """Until what the window does by itself after a project was opened is done."""
    from benchmarks.scale_window import Cost

    while True:
        cost = Cost()
        window.cost(lambda: None, cost)
        if cost.work_ms[0] < _IDLE_MS:
            return


def _median_ms(work: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        began = perf_counter()
        work()
        spent.append(1000 * (perf_counter() - began))
    return median(spent)


def _cost(window: Window, action: Callable[[], object], times: int) -> dict[str, float]:
    from benchmarks.scale_window import Cost

    panel, cost = window.window.lineage, Cost()
    before = panel.model.layouts, panel.view.branches.renders
    for _ in range(times):
        window.cost(action, cost, window.here)
    layouts, pictures = panel.model.layouts - before[0], panel.view.branches.renders - before[1]
    return {**cost.figures(), "layouts": layouts / times, "pictures": pictures / times}


def run(data: Path, times: int) -> Figures:
    """All figures."""
    from PySide6.QtWidgets import QDockWidget

    from benchmarks.embryo_project import make_project
    from benchmarks.scale_window import Cost, Window

    with tempfile.TemporaryDirectory() as folder:
        project = make_project(data, Path(folder))
        window, cost = Window(), Cost()
        dock = window.window.findChild(QDockWidget, "dock Lineage")
        assert isinstance(dock, QDockWidget)
        dock.raise_()
        session, panel = window.session, window.window.lineage
        window.cost(lambda: session.open(project), cost, lambda: session.movie and len(panel.view.forest))
        session.navigation.go_to(_BEGIN)
        window.wait(window.here)
        _rest_until_idle(window)
        assert session.movie is not None
        document, forest = session.movie.document, panel.view.forest
        spans = {i: span for i in document.cell_ids if (span := document.span(i)) is not None}
        figures = bare(forest, spans, list(document.lineage.divisions()), 2 * times)
        figures["open"] = {**cost.figures(), "layouts": panel.model.layouts}
        figures |= act(window, times)
        figures |= beside_items(window, panel.view, times)
        window.close()
    return figures


def table(figures: Figures) -> str:
    """The figures as Markdown."""
    columns = ("ms", "work_ms", "handler_ms", "worst_ms", "layouts", "pictures", "ratio")
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]
    for name, row in figures.items():
        cells = (f"{row[column]:.2f}" if column in row else "" for column in columns)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage")
    parser.add_argument("--times", type=int, default=12, help="how often each action is repeated")
    parser.add_argument("--data", type=Path, default=_DATA, help="folder of centroids.csv and the lineage")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"CELLSAM_HOME": home, "CELLSAM_WATCHDOG": "1"}
        if not os.environ.get("DISPLAY"):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        figures = run(arguments.data, arguments.times)
    print(table(figures))
    print(json.dumps({"benchmark": "lineage", "figures": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
