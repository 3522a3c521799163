"""``cellsam-train``: fit a decoder to curated cells, evaluate one, export one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellsam_desktop import __version__
from cellsam_desktop.core.decoder_scores import KINDS
from cellsam_desktop.core.devices import DEVICES
from cellsam_desktop.core.errors import Cancelled, CellSamError

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130

_MINUTES = 5.0
_DATA_HELP = (
    "projects (*.cellsam), folders with images/ and labels/, folders of the Cell Tracking Challenge; "
    "PATH@0-16,20 or PATH@LIST.txt is a part of one: frames or files by number, from 0, or by name"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; 0 done, 2 something the user can mend, 130 ended by the user."""
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
        return code
    except Cancelled as cancelled:
        if getattr(given, "json_lines", False):
            return 0  # whoever asked for it knows
        return _say(str(cancelled), given, EXIT_INTERRUPTED)
    except CellSamError as error:
        return _say(str(error), given, EXIT_USER_ERROR)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _say(sentence: str, given: argparse.Namespace, code: int) -> int:
    sentence = " ".join(sentence.split())
    if getattr(given, "json_lines", False):
        from cellsam_desktop.core.training_messages import Failed, to_line

        print(to_line(Failed(sentence)), flush=True)
    print(sentence, file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cellsam-train", description="Train the decoder of a model on cells that were curated."
    )
    parser.add_argument("--version", action="version", version=f"cellsam-train {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_plan(commands)
    _add_fit(commands)
    _add_evaluate(commands)
    _add_export(commands)
    return parser


def _add_plan(commands: Any) -> None:
    plan = commands.add_parser(
        "plan",
        help="count the data and say how they split",
        description="Count cells and frames, and say which are learned from and which judge.",
    )
    plan.add_argument("data", nargs="+", type=Path, metavar="DATA", help=_DATA_HELP)
    plan.add_argument("--base", default="vit_t", metavar="NAME", help=argparse.SUPPRESS)
    plan.add_argument("--seed", type=_seed, default=0, help="of what is drawn by lot (0)")
    plan.add_argument("--json-lines", action="store_true", help="say it as a line of JSON")
    plan.set_defaults(run=_plan)


def _add_fit(commands: Any) -> None:
    fit = commands.add_parser(
        "fit",
        help="train, and say whether it was worth it",
        description="Train on a part of the data, judge by the rest. While it learns, Ctrl+C keeps the best.",
    )
    fit.add_argument("data", nargs="*", type=Path, metavar="DATA", help=_DATA_HELP)
    fit.add_argument("--base", default="vit_t", metavar="NAME", help="the model to begin with (vit_t)")
    fit.add_argument("--preset", default="curator", metavar="NAME", help="how to train (curator)")
    length = fit.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_positive, metavar="N", help=f"time for all of it ({_MINUTES:g})")
    length.add_argument("--epochs", type=_count, metavar="N", help="so often over all cells")
    fit.add_argument("--device", choices=DEVICES, default="auto", help="(auto)")
    fit.add_argument("--seed", type=_seed, help="of everything that is drawn by lot (0)")
    fit.add_argument("--held-out", type=Path, nargs="+", default=[], metavar="DATA", help="judge by these")
    fit.add_argument("--title", default="", help="what the decoder is called (the name of RUN)")
    fit.add_argument("--resume", action="store_true", help="go on with RUN where it was ended")
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder for the run")
    fit.add_argument(
        "--json-lines",
        action="store_true",
        help="say everything as JSON, a line each, and take pause, resume, stop and cancel from a pipe",
    )
    _add_cache(fit)
    fit.set_defaults(run=_fit)


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a decoder on cells whose truth is known",
        description="IoU and Dice of the cells after a first prompt and after corrections.",
    )
    evaluate.add_argument("data", nargs="+", type=Path, metavar="DATA", help=_DATA_HELP)
    evaluate.add_argument("--base", metavar="NAME", help="the model (that of the decoder, otherwise vit_t)")
    evaluate.add_argument("--decoder", metavar="RUN", help="a trained decoder (the model's own)")
    evaluate.add_argument("--prompts", type=_kinds, default=KINDS, metavar="point,box", help="(both)")
    evaluate.add_argument("--clicks", type=_count, default=8, metavar="N", help="the first one included (8)")
    evaluate.add_argument("--cells", type=_count, metavar="N", help="at most so many, evenly spread (all)")
    evaluate.add_argument(
        "--looks",
        choices=("whole", "crops"),
        default="whole",
        help="the whole image encoded once, or the parts of it that the window looks at (whole)",
    )
    evaluate.add_argument("--device", choices=DEVICES, default="auto", help="(auto)")
    _add_cache(evaluate)
    evaluate.add_argument("--json", type=Path, metavar="OUT.json", help="write all figures to this file")
    evaluate.add_argument("--json-lines", action="store_true", help="say it as a line of JSON")
    evaluate.set_defaults(run=_evaluate)


def _add_cache(command: Any) -> None:
    command.add_argument(
        "--cache-gb", type=_positive, default=20.0, metavar="N", help="room for embeddings (20)"
    )


def _add_export(commands: Any) -> None:
    export = commands.add_parser(
        "export",
        help="write a trained decoder for use elsewhere",
        description="Write decoder.safetensors, decoder.onnx with its helpers, and manifest.json.",
    )
    export.add_argument("folder", type=Path, metavar="RUN", help="a training run, or an exported decoder")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    export.set_defaults(run=_export)


# -- commands; each loads what it needs ----------------------------------------------------------------


def _plan(given: argparse.Namespace) -> int:
    from cellsam_desktop.core.training_messages import Noticed, to_line
    from training.planning import plan
    from training.telling import words_for

    say = to_line if given.json_lines else words_for
    print(say(plan(given.data, given.seed, lambda sentence: print(say(Noticed(sentence)), flush=True))))
    return 0


def _fit(given: argparse.Namespace) -> int:
    from training.commands import Commands
    from training.run import Run
    from training.run_folder import RunFolder
    from training.telling import Console, Lines, interrupts, listen

    commands = Commands()
    report = Lines(commands, sys.stdout) if given.json_lines else Console(sys.stderr)
    folder = RunFolder(given.out)
    if given.json_lines:
        listen(commands)
    with interrupts(commands):
        if given.resume:
            run = Run.resume(folder, report, commands, given.cache_gb)
        else:
            run = Run.begin(folder, _request(given), report, commands)
        run.carry_out()
    return 0


def _request(given: argparse.Namespace) -> Any:
    from dataclasses import replace

    from training.config import PRESETS, Config, ConfigError
    from training.request import Request

    if not given.data:
        raise ConfigError("There is nothing to learn from: name projects or folders with images and labels.")
    if given.preset not in PRESETS:
        raise ConfigError(f"There is no preset {given.preset!r}: choose one of {', '.join(PRESETS)}.")
    config = PRESETS[given.preset]
    if given.seed is not None:
        config = replace(config, seed=given.seed)
    minutes, epochs = given.minutes, given.epochs
    if minutes is None and epochs is None:
        published = config.epochs != Config().epochs
        minutes, epochs = (None, config.epochs) if published else (_MINUTES, None)
    return Request(
        tuple(given.data), given.base, config, minutes, epochs, given.device,
        tuple(given.held_out), given.title, given.cache_gb,
    )  # fmt: skip


def _evaluate(given: argparse.Namespace) -> int:
    from cellsam_desktop.core.training_messages import Judged, to_line
    from training.evaluation import Evaluation, evaluate, table

    what = Evaluation(
        tuple(given.data), given.base, given.decoder, given.prompts, given.clicks, given.cells,
        given.looks, given.device, given.cache_gb, given.json,
    )  # fmt: skip
    judged = evaluate(what)
    print(to_line(Judged("now", judged.scores)) if given.json_lines else table(judged.by_data_set()))
    return 0


def _export(given: argparse.Namespace) -> int:
    from training.export import export

    print(export(given.folder, given.out).folder)
    return 0


# -- arguments -----------------------------------------------------------------------------------------


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on")
    return value


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(text.split(",")))
    if not kinds or not set(kinds) <= set(KINDS):
        raise argparse.ArgumentTypeError(f"{text} is not one or both of {','.join(KINDS)}")
    return kinds


if __name__ == "__main__":
    sys.exit(main())
