"""The verb ``models``: list, fetch, add and remove models and trained decoders."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.curation.trained_cli import decoder_rows
from cellsam_desktop.sam.fetch import fetch
from cellsam_desktop.sam.known_models import ARCHITECTURES, ModelSpec
from cellsam_desktop.sam.registry import ModelRegistry
from cellsam_desktop.sam.trained import TrainedDecoders
from cellsam_desktop.settings import Settings

_MB = 1_000_000


def add_models_parser(subparsers: Any) -> None:
    """Declare the arguments of ``models``."""
    parser = subparsers.add_parser("models", help="list, fetch, add and remove models and trained decoders")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="show all models and which are on this computer")
    fetching = actions.add_parser("fetch", help="download and verify a model")
    fetching.add_argument("name", help="one of the names that 'models list' shows")
    fetching.add_argument("--file", type=Path, help="take the weights from this file instead of the network")
    adding = actions.add_parser("add", help="add weights of your own, or a trained decoder")
    adding.add_argument("name", help="a new name for them, or the decoder's title")
    adding.add_argument(
        "file",
        type=Path,
        help="a checkpoint in segment-anything's or micro-sam's form, or a decoder's folder",
    )
    adding.add_argument("--architecture", choices=ARCHITECTURES, help="what a checkpoint is for")
    renaming = actions.add_parser("rename", help="give a trained decoder another title")
    renaming.add_argument("name", help="one of the decoders that 'models list' shows")
    renaming.add_argument("title", help="the new title")
    copying = actions.add_parser("export", help="copy a trained decoder to a folder")
    copying.add_argument("name", help="one of the decoders that 'models list' shows")
    copying.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    removing = actions.add_parser("remove", help="delete a model or a trained decoder from this computer")
    removing.add_argument("name", help="one of the names that 'models list' shows")


def run_models(arguments: argparse.Namespace) -> int:
    """Carry out ``models``; the result is the exit code.

    Raises:
        ModelError: what was asked for cannot be done.
    """
    registry, decoders = ModelRegistry(), TrainedDecoders()
    match arguments.action:
        case "list":
            print(models_table(registry))
            if rows := decoder_rows(decoders, Settings.load()):
                print(f"\n{_table(rows)}")
        case "fetch":
            _fetch(registry, arguments.name, arguments.file)
        case "add" if arguments.file.is_dir():
            print(decoders.add(arguments.file, arguments.name).name)
        case "add":
            _add(registry, arguments.name, arguments.file, arguments.architecture)
        case "rename":
            decoders.rename(arguments.name, arguments.title)
        case "export":
            print(decoders.copy_to(arguments.name, arguments.out).files.folder)
        case "remove":
            trained = any(arguments.name == decoder.name for decoder in decoders.entries())
            (decoders if trained else registry).remove(arguments.name)
            print(f"Removed {arguments.name}.", file=sys.stderr)
    return 0


def models_table(registry: ModelRegistry) -> str:
    """All models as a table of plain text: name, whether it is here, size, licence, title.

    Raises:
        ModelError: the list of added models cannot be read.
    """
    rows = [("NAME", "HERE", "SIZE", "LICENCE", "TITLE")]
    for spec in registry.specs():
        file = registry.found(spec)
        size = spec.size if file is None else file.stat().st_size
        shown = "unknown" if size is None else f"{size / _MB:,.0f} MB"
        rows.append((spec.name, "no" if file is None else "yes", shown, spec.licence, spec.title))
    return _table(rows)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
    return "  ".join([*cells, row[-1]])


def _fetch(registry: ModelRegistry, name: str, file: Path | None) -> None:
    spec = registry.get(name)
    with _ProgressLine(spec) as line:
        path = fetch(spec, registry, progress=line.show, file=file)
    print(path)


def _add(registry: ModelRegistry, name: str, file: Path, architecture: str | None) -> None:
    from cellsam_desktop.sam.checkpoint_file import load_arrays
    from cellsam_desktop.sam.export import ensure_decoder
    from cellsam_desktop.sam.onnx_encoder import encoder_graph

    if not file.is_file():
        raise ModelError(f"There is no file {file}: check the path.")
    if architecture is None:
        raise ModelError(f"Say what {file.name} is for with --architecture: {', '.join(ARCHITECTURES)}.")
    # Weights that do not fit are refused before they are kept.
    encoder_graph(load_arrays(file), architecture)
    ensure_decoder(file, architecture, paths.decoders_dir())
    registry.add(name, file, architecture)
    print(registry.path(name))


class _ProgressLine:
    """A line on stderr that counts megabytes: redrawn in a terminal, one line per step elsewhere."""

    def __init__(self, spec: ModelSpec) -> None:
        self._name = spec.name
        self._terminal = sys.stderr.isatty()
        self._pause = 0.1 if self._terminal else 5.0
        self._last = time.monotonic()
        self._shown = -1

    def __enter__(self) -> _ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown >= 0 and self._terminal:
            print(file=sys.stderr)

    def show(self, done: int, total: int | None) -> None:
        """Take note of the bytes that came."""
        now = time.monotonic()
        if done == self._shown or (now - self._last < self._pause and done != total):
            return
        self._last, self._shown = now, done
        of = "" if total is None else f" of {total / _MB:,.1f}"
        end = "" if self._terminal else "\n"
        start = "\r" if self._terminal else ""
        print(f"{start}Fetching {self._name}: {done / _MB:,.1f}{of} MB", end=end, file=sys.stderr, flush=True)
