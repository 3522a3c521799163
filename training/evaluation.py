"""``cellsam-train evaluate``: what a decoder makes of data whose truth is known, as a table and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellsam_desktop import paths
from cellsam_desktop.core.decoder_scores import GOALS, Scores
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.embedding_cache import EmbeddingCache
from cellsam_desktop.sam.export import ensure_decoder
from cellsam_desktop.sam.placement import disk_error
from cellsam_desktop.sam.trained import TrainedDecoder, TrainedDecoders, read_decoder
from training.base import Base
from training.data import load
from training.embed import Embeddings
from training.evaluate import judge, judge_by
from training.frames import DataError
from training.looking import Looking, planes
from training.metrics import Judgement
from training.request import chosen_device
from training.views import diameters, views_of


@dataclass(frozen=True)
class Evaluation:
    """What to measure; ``decoder`` is the folder or the name of a trained one, None the model's own.

    ``cache_gb`` is the room for embeddings, ``out`` the file for the figures, if they are to be written.
    """

    data: tuple[Path, ...]
    base: str | None
    decoder: str | None
    prompts: tuple[str, ...]
    clicks: int
    cells: int | None
    looks: str
    device: str
    cache_gb: float
    out: Path | None


def evaluate(what: Evaluation) -> Judgement:
    """Measure, and write the JSON.

    Raises:
        CellSamError: the data, the model or the decoder cannot be used, or the file not be written.
    """
    if what.out is not None and not (folder := what.out.absolute().parent).is_dir():
        raise DataError(f"The folder {folder} does not exist: make it or choose another.")
    trained = _trained(what.decoder)
    base = Base.find(what.base or (trained and trained.base) or "vit_t")
    if trained is not None and trained.base_sha256 != base.sha256:
        raise ModelError(f"The decoder {trained.title} was trained for {trained.base}, not for {base.name}.")
    judged = _judge(what, base, trained)
    if what.out is not None:
        asked = {
            "base": base.to_json(),
            "decoder": None if trained is None else str(trained.files.folder),
            "looks": what.looks,
            "clicks": what.clicks,
        }
        _write(what.out, {**asked, **figures(judged)})
    return judged


def _write(out: Path, facts: Mapping[str, Any]) -> None:
    try:
        paths.atomic_write_text(out, json.dumps(facts, indent=1) + "\n")
    except OSError as error:
        raise disk_error(out, error) from error


def figures(judged: Judgement) -> dict[str, Any]:
    """Scores by data set and of all together, and the IoUs of each cell after each click."""
    return {
        "data_sets": {name: scores.to_json() for name, scores in judged.by_data_set().items()},
        "all": judged.scores.to_json(),
        "cells": [course.to_json() for course in judged.courses],
    }


def table(data_sets: Mapping[str, Scores]) -> str:
    """The main figures as Markdown."""
    lines = [
        "| data | cells | first prompt | IoU | Dice | after 1 | 3 | 7 | clicks to 0.8 | 0.9 |",
        "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, scores in data_sets.items():
        for kind, own in scores.kinds.items():
            after = [f"{own.iou[n]:.3f}" if n < len(own.iou) else "" for n in (1, 3, 7)]
            clicks = [f"{own.clicks_to[goal]:.1f}" for goal in GOALS]
            cells = [
                name,
                str(scores.cells),
                kind,
                f"{own.iou[0]:.3f}",
                f"{own.dice[0]:.3f}",
                *after,
                *clicks,
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _trained(wanted: str | None) -> TrainedDecoder | None:
    if wanted is None:
        return None
    return read_decoder(Path(wanted)) if Path(wanted).is_dir() else TrainedDecoders().get(wanted)


def _judge(what: Evaluation, base: Base, trained: TrainedDecoder | None) -> Judgement:
    frames = load(what.data, _say)
    cache = EmbeddingCache(paths.embeddings_dir(), int(what.cache_gb * 1e9))
    device = chosen_device(what.device)
    embeddings = Embeddings(base.checkpoint, base.architecture, device, cache, notice=_say)
    if trained is None:
        files = ensure_decoder(base.checkpoint, base.architecture, paths.decoders_dir())
    else:
        files = trained.files
    decoder = OnnxDecoder(files.onnx)
    asked = (what.prompts, what.clicks, what.cells, _progress)
    if what.looks == "crops":
        return judge_by(Looking(decoder, embeddings, diameters(frames)), planes(frames), *asked)
    return judge(decoder, views_of(frames, "whole"), embeddings, *asked)


def _progress(done: int, of: int) -> None:
    print(f"{done} of {of} cells", file=sys.stderr, flush=True)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
