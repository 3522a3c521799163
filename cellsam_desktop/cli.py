"""The command line. Opening the window is one verb among others, and each verb loads only what it needs."""

from __future__ import annotations

import argparse
import importlib
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellsam_desktop import __version__, logs
from cellsam_desktop.core.errors import CellSamError

log = logging.getLogger(__name__)

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Verb:
    """One command: ``add`` in ``module`` declares its arguments, ``run`` there (or here) carries it out."""

    help: str
    module: str
    add: str
    run: str | Callable[[argparse.Namespace], int]

    def declare(self, verbs: Any) -> None:
        """Add the full parser of this verb."""
        getattr(importlib.import_module(self.module), self.add)(verbs)

    def carry_out(self, arguments: argparse.Namespace) -> int:
        """Run the verb; the result is the exit code."""
        if callable(self.run):
            return self.run(arguments)
        code: int = getattr(importlib.import_module(self.module), self.run)(arguments)
        return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 not all is well, 2 the user can mend it."""
    multiprocessing.freeze_support()
    # NumPy's own threads only get in the way of ONNX Runtime's: a mask took twice as long with them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--worker"]:
        return _run_worker(words[1:])
    words = _with_default_verb(words)
    try:
        arguments = _parser(words).parse_args(words)
        logs.configure(arguments.verbose)
        return VERBS[arguments.verb].carry_out(arguments)
    except CellSamError as error:
        log.info("Ended by an error the user can mend.", exc_info=error)
        return _refuse(str(error))
    except ImportError as error:
        log.info("A package is missing or broken.", exc_info=error)
        return _refuse(f"A package cannot be loaded ({error}): `cellsam-desktop doctor` says what mends it.")
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def add_gui_parser(verbs: Any) -> None:
    """Declare the arguments of ``gui``."""
    parser = verbs.add_parser("gui", help=VERBS["gui"].help)
    parser.add_argument("path", nargs="?", type=Path, help="a movie, a folder of images or a project to open")


def run_gui(arguments: argparse.Namespace) -> int:
    """Open the window, with a movie or project if one was named."""
    path: Path | None = arguments.path
    if path is not None and not path.exists():
        raise CellSamError(
            f"There is neither a file nor a command {str(path)!r}: check the spelling, "
            "or see `cellsam-desktop --help` for the commands."
        )
    from cellsam_desktop import app

    return app.run_gui(path)


def run_demo(arguments: argparse.Namespace) -> int:
    """Open the sample movie in the window, or with ``--headless`` work through it without one."""
    if arguments.headless:
        from cellsam_desktop.curation import headless

        return headless.run_demo(arguments)
    from cellsam_desktop import app

    return app.run_gui(None, demo=True)


_HEADLESS = "cellsam_desktop.curation.headless"
_TRACKING = "cellsam_desktop.curation.tracking_cli"
_MODELS = "cellsam_desktop.curation.models_cli"
_DOCTOR = "cellsam_desktop.doctor"

VERBS = {
    "gui": Verb("open the window (the default)", __name__, "add_gui_parser", run_gui),
    "demo": Verb("open the sample movie", _HEADLESS, "add_demo_parser", run_demo),
    "segment": Verb("segment one image with given prompts", _HEADLESS, "add_segment_parser", "run_segment"),
    "track": Verb("follow cells from one frame through a movie", _TRACKING, "add_track_parser", "run_track"),
    "link": Verb("link the masks of a label movie over time", _TRACKING, "add_link_parser", "run_link"),
    "score": Verb("measure tracks against the truth", _TRACKING, "add_score_parser", "run_score"),
    "export": Verb("write cells for other programs", _HEADLESS, "add_export_parser", "run_export"),
    "models": Verb("list, fetch, add and remove models", _MODELS, "add_models_parser", "run_models"),
    "doctor": Verb("say what works and what mends the rest", _DOCTOR, "add_parser", "run"),
}


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """The parser for these words: the verb they name is declared in full, the others by name and help."""
    parser = argparse.ArgumentParser(
        prog="cellsam-desktop",
        description="Segment and follow cells in microscopy movies with a click.",
        epilog="cellsam-desktop MOVIE opens the window with that movie.",
    )
    parser.add_argument("--version", action="version", version=f"cellsam-desktop {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="say on stderr what is being done")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    chosen = _first_word(words)
    for name, verb in VERBS.items():
        if name == chosen:
            verb.declare(verbs)
        else:
            verbs.add_parser(name, help=verb.help)
    return parser


def _with_default_verb(words: list[str]) -> list[str]:
    first = _first_word(words)
    if first in VERBS or (first is None and {"-h", "--help", "--version"} & set(words)):
        return words
    place = len(words) if first is None else words.index(first)
    return [*words[:place], "gui", *words[place:]]


def _first_word(words: list[str]) -> str | None:
    return next((word for word in words if not word.startswith("-")), None)


def _run_worker(words: list[str]) -> int:
    if words[:1] == ["training"]:
        from cellsam_desktop.jobs import training_main

        return training_main.main(words[1:])
    from cellsam_desktop.jobs import worker_main

    return worker_main.main(words)


def _refuse(sentence: str) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return EXIT_USER_ERROR
