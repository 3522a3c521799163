"""The verbs about movies without a window: ``track``, ``link``, ``score``; each loads only what it needs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from cellsam_desktop.curation.headless import add_model_arguments

_MEASURES = (("DET", "detection"), ("SEG", "shapes"), ("TRA", "tracking"), ("LNK", "linking"))


def add_track_parser(verbs: Any) -> None:
    """Declare the arguments of ``track``."""
    parser = verbs.add_parser(
        "track",
        help="follow cells from one frame through a movie",
        description="Carry the cells of one frame to the end of a movie, divisions included, and write the "
        "layout of the Cell Tracking Challenge: mask000.tif and so on, and res_track.txt.",
    )
    parser.add_argument("movie", type=Path, metavar="MOVIE", help="a movie, or a folder of images")
    parser.add_argument(
        "--start",
        type=Path,
        required=True,
        metavar="LABELS.tif",
        help="the cells to follow: one plane, or as many as the movie has",
    )
    parser.add_argument(
        "--start-frame", type=int, default=0, metavar="T", help="the frame they are on, from 0 (default 0)"
    )
    add_model_arguments(parser)
    parser.add_argument("--no-divisions", action="store_true", help="let no cell divide")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--json", type=Path, metavar="EVENTS.json", help="write divisions and lost cells")


def add_link_parser(verbs: Any) -> None:
    """Declare the arguments of ``link``."""
    parser = verbs.add_parser(
        "link",
        help="link the masks of a label movie over time",
        description="Find out which masks of a label movie are one cell and which cells divided, and write "
        "the layout of the Cell Tracking Challenge: mask000.tif and so on, and res_track.txt.",
    )
    parser.add_argument("labels", type=Path, metavar="LABELS.tif", help="masks; their ids mean nothing")
    parser.add_argument("--movie", type=Path, metavar="MOVIE", help="its images, whose brightness helps")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--max-gap",
        type=int,
        default=2,
        metavar="N",
        help="frames on which a cell may be missing (default 2)",
    )
    parser.add_argument("--no-divisions", action="store_true", help="let no cell divide")


def add_score_parser(verbs: Any) -> None:
    """Declare the arguments of ``score``."""
    parser = verbs.add_parser(
        "score",
        help="measure tracks against the truth",
        description="The Cell Tracking Challenge's measures (DET, SEG, TRA, LNK) and the F1 of divisions.",
    )
    parser.add_argument(
        "--gt",
        type=Path,
        required=True,
        metavar="DIR|TRACKS.tif",
        help="the truth: a folder (01_GT, or masks with their table), or a label movie with constant ids",
    )
    parser.add_argument(
        "--gt-lineage", type=Path, metavar="man_track.txt", help="who divided into whom, for TRACKS.tif"
    )
    parser.add_argument(
        "--res", type=Path, required=True, metavar="DIR", help="masks with their res_track.txt"
    )
    parser.add_argument("--json", type=Path, required=True, metavar="OUT.json", help="the measures, to write")


def run_track(arguments: argparse.Namespace) -> int:
    """Carry out ``track``; the result is the exit code.

    Raises:
        CellSamError: something cannot be read, or written. Nothing was written, except what was followed
            until an error on the way, which its sentence says.
    """
    from cellsam_desktop.curation.headless_track import TrackTask, track

    task = TrackTask(
        movie=arguments.movie,
        start=arguments.start,
        out=arguments.out,
        start_frame=arguments.start_frame,
        z=arguments.z,
        channel=arguments.channel,
        model=arguments.model,
        decoder=arguments.decoder,
        divisions=not arguments.no_divisions,
        summary=arguments.json,
    )
    track(task)
    return 0


def run_link(arguments: argparse.Namespace) -> int:
    """Carry out ``link``; the result is the exit code.

    Raises:
        CellSamError: something cannot be read or written; nothing was written.
    """
    from cellsam_desktop.curation.headless_link import LinkTask, link_labels

    task = LinkTask(
        arguments.labels, arguments.out, arguments.movie, arguments.max_gap, not arguments.no_divisions
    )
    link_labels(task)
    return 0


def run_score(arguments: argparse.Namespace) -> int:
    """Carry out ``score``; the result is the exit code.

    Raises:
        CellSamError: something cannot be read or compared; nothing was written.
    """
    from cellsam_desktop.curation.headless_score import ScoreTask, score

    values = score(ScoreTask(arguments.gt, arguments.res, arguments.json, arguments.gt_lineage))
    for name, meaning in (*_MEASURES, ("division_f1", "divisions")):
        value = values[name]
        print(f"{name:12} {'none to measure' if value is None else f'{value:.4f}'}  ({meaning})")
    return 0
