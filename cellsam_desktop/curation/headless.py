"""The verbs without a window: ``segment``, ``export``, ``demo --headless``; each loads only what it needs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a verb that segments needs: the planes to look at, and the model and decoder to use."""
    parser.add_argument("--z", type=int, default=0, metavar="Z", help="z position, from 0 (default 0)")
    parser.add_argument("--channel", type=int, default=0, metavar="C", help="channel, from 0 (default 0)")
    parser.add_argument(
        "--model", metavar="NAME", help="a name that 'models list' shows (default: as in the window)"
    )
    parser.add_argument(
        "--decoder",
        metavar="RUN",
        help="a trained decoder: the folder of a training run or of an exported decoder, a name that "
        "'models list' shows, or none for the model's own (default: its own with --model, otherwise as in "
        "the window)",
    )


def add_segment_parser(verbs: Any) -> None:
    """Declare the arguments of ``segment``."""
    parser = verbs.add_parser(
        "segment",
        help="segment one image with prompts from a file",
        description="Segment one plane of an image or movie with the prompts in a file, one entry per cell.",
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="an image, a movie, or a folder of images")
    parser.add_argument("--prompts", type=Path, required=True, metavar="PROMPTS.json", help="what to segment")
    parser.add_argument("--out", type=Path, required=True, metavar="LABELS.tif", help="labels to write")
    parser.add_argument("--frame", type=int, metavar="T", help="frame, from 0 (default: the first prompted)")
    add_model_arguments(parser)
    parser.add_argument(
        "--accepted", type=Path, metavar="LABELS.tif", help="cells accepted already, to learn their size from"
    )
    parser.add_argument(
        "--crop",
        choices=("auto", "none"),
        default="auto",
        help="look at the cells' own scale as the window does, or at the whole image only (default auto)",
    )
    parser.add_argument(
        "--candidate",
        choices=("ranked", "predicted-iou"),
        default="ranked",
        help="of several masks take the one that the window shows first, or the one with the highest "
        "predicted IoU (default ranked)",
    )
    parser.add_argument("--json", type=Path, metavar="METRICS.json", help="write IoU, area, centroid, box")
    parser.add_argument("--coco", type=Path, metavar="MASKS.json", help="write each mask by itself, as COCO")


def add_export_parser(verbs: Any) -> None:
    """Declare the arguments of ``export``."""
    parser = verbs.add_parser(
        "export",
        help="write cells for other programs",
        description="Write the cells of a project: labels as TIFF, the Cell Tracking Challenge's folder of "
        "masks and tracks, GEFF, TrackMate's XML, or a table of measurements with the masks.",
    )
    parser.add_argument(
        "project", type=Path, metavar="PROJECT.cellsam", help="a project that no window has open"
    )
    formats = ("labels", "ctc", "geff", "trackmate", "csv", "parquet")
    parser.add_argument("--to", choices=formats, required=True, help="the format")
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="the file or folder to write")
    parser.add_argument(
        "--movie", type=Path, help="measure the brightness of every channel in this movie (csv, parquet)"
    )


def add_demo_parser(verbs: Any) -> None:
    """Declare the arguments of ``demo``."""
    parser = verbs.add_parser("demo", help="open the sample movie")
    parser.add_argument("--headless", action="store_true", help="work through the sample without a window")
    parser.add_argument(
        "--out", type=Path, default=Path("demo-results"), metavar="DIR", help="results of --headless"
    )


def run_segment(arguments: argparse.Namespace) -> int:
    """Carry out ``segment``; the result is the exit code.

    Raises:
        CellSamError: what was asked for cannot be done; nothing was written.
    """
    from cellsam_desktop.curation.headless_model import Way
    from cellsam_desktop.curation.headless_segment import SegmentTask, segment

    task = SegmentTask(
        image=arguments.image,
        prompts=arguments.prompts,
        out=arguments.out,
        model=arguments.model,
        decoder=arguments.decoder,
        frame=arguments.frame,
        z=arguments.z,
        channel=arguments.channel,
        accepted=arguments.accepted,
        way=Way(arguments.crop, arguments.candidate),
        metrics=arguments.json,
        coco=arguments.coco,
    )
    return segment(task)


def run_export(arguments: argparse.Namespace) -> int:
    """Carry out ``export``; the result is the exit code.

    Raises:
        CellSamError: the project cannot be opened, or the file not be written.
    """
    from cellsam_desktop.curation.headless_export import export_project

    export_project(arguments.project, arguments.to, arguments.out, arguments.movie)
    return 0


def run_demo(arguments: argparse.Namespace) -> int:
    """Carry out ``demo --headless``; the result is the exit code.

    Raises:
        CellSamError: something is missing, or the folder cannot be written.
    """
    from cellsam_desktop.curation.headless_demo import demo

    return demo(arguments.out)
