"""Fit what orders the decoder's candidates: ``python -m resources.fit_candidates [--write]``.

The score of a candidate is a weighted sum of what can be measured of it (``analysis/candidates.py``). The
weights maximise the IoU that is expected when a candidate is drawn with a chance that grows with its score
(softmax), so that what counts is the mask that comes first. Each data set weighs the same, half of the clicks
are in the middle of a cell and half anywhere inside. The images are those of ``benchmarks.first_click``.

Printed beside the fit: the same figure for each data set when all the others were fitted and this one was
not (leave one set out). With ``--write`` the weights replace ``cellsam_desktop/analysis/candidates.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks import data_sets
from benchmarks.clicks import Target, careless_point, interior_point, targets
from benchmarks.first_click import open_model
from cellsam_desktop import paths
from cellsam_desktop.analysis import candidates
from cellsam_desktop.analysis.candidates import Option, measures
from cellsam_desktop.analysis.knowledge import NOTHING, Knowledge, facts_of
from cellsam_desktop.analysis.looking import expected_box, fits, options_of
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.mask import Mask
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.curation.headless_model import HeadlessModel
from cellsam_desktop.sam.crops import looks_for
from cellsam_desktop.sam.registry import ModelRegistry

_FILE = Path(candidates.__file__).with_name("candidates.json")
_ALWAYS = ("predicted_iou", "like_token_0", "like_token_1", "like_token_3")
COLD: tuple[str, ...] = (*_ALWAYS, "shallow", "missed", "speck")
WARM: tuple[str, ...] = (*_ALWAYS, "depth", "offset", "rough", "gap_squared", "fullness_gap_squared")
BOXED = tuple(f"boxed_token_{token}" for token in range(4))
_DECAY = 0.0005
_LOSS = 10.0
_SEEDS = 2
_NEVER = -1000.0


@dataclass(frozen=True, eq=False)
class Question:
    """The candidates for one click: what is measured of each, and its IoU with the truth.

    ``usual`` is the IoU of the one that the highest predicted IoU would have chosen from the first look.
    """

    measures: Sequence[Mapping[str, float]]
    ious: NDArray[np.float64]
    usual: float


Questions: TypeAlias = dict[str, list[Question]]
Weights: TypeAlias = Mapping[str, float]
Ask: TypeAlias = Callable[[HeadlessModel, Target], Iterable[Question]]


def questions(model: HeadlessModel, clicked: Mapping[str, Sequence[Target]], ask: Ask) -> Questions:
    """What ``ask`` makes of every target, by data set."""
    asked: Questions = {}
    for name, chosen in clicked.items():
        asked[name] = [question for target in chosen for question in ask(model, target)]
        print(f"  {name}: {len(asked[name])} questions", file=sys.stderr, flush=True)
    return asked


def ask_cold(model: HeadlessModel, target: Target) -> Iterator[Question]:
    """Nothing is known."""
    for prompts in _clicks(target):
        yield _question(model, target, prompts, NOTHING)


def ask_warm(model: HeadlessModel, target: Target) -> Iterator[Question]:
    """Three other cells were accepted."""
    for number, prompts in enumerate(_clicks(target)):
        for seed in range(_SEEDS if target.others else 0):
            yield _question(model, target, prompts, target.knowledge(_SEEDS * number + seed))


def ask_boxed(model: HeadlessModel, target: Target, weights: Weights) -> Iterator[Question]:
    """The same, and where no candidate has the expected size also those for a box of that size."""
    for number, prompts in enumerate(_clicks(target)):
        for seed in range(_SEEDS if target.others else 0):
            knowledge = target.knowledge(_SEEDS * number + seed)
            options = _options(model, target, prompts, knowledge)
            best = max(options, key=lambda option: _score_of(option, knowledge, weights))
            if knowledge.size is not None and not fits(best, knowledge.size):
                box = expected_box(prompts.points[0], knowledge.size)
                for region in dict.fromkeys(option.geometry.region for option in options):
                    look = model.look(target.sample.image, region)
                    options += options_of(model.decoder, look, prompts, box)
            yield _compared(options, knowledge, target.truth)


def ask_in_company(model: HeadlessModel, target: Target) -> Iterator[Question]:
    """Every other cell of the image was accepted."""
    here = [mask for sample, mask in target.others if sample is target.sample]
    if here:
        knowledge = Knowledge([facts_of(mask) for mask in here], here)
        for prompts in _clicks(target):
            yield _question(model, target, prompts, knowledge)


def ask_over_time(model: HeadlessModel, target: Target) -> Iterator[Question]:
    """The cell's own mask in the frame before is known, besides three other cells."""
    if target.previous is not None:
        for number, prompts in enumerate(_clicks(target)):
            knowledge = replace(target.knowledge(number), previous=target.previous)
            yield _question(model, target, prompts, knowledge)


def _clicks(target: Target) -> tuple[Prompts, Prompts]:
    return interior_point(target.truth), careless_point(target.truth, target.random(0))


def _question(model: HeadlessModel, target: Target, prompts: Prompts, knowledge: Knowledge) -> Question:
    return _compared(_options(model, target, prompts, knowledge), knowledge, target.truth)


def _options(model: HeadlessModel, target: Target, prompts: Prompts, knowledge: Knowledge) -> list[Option]:
    plane = Region.whole(*target.sample.image.shape[:2])
    looks = [
        model.look(target.sample.image, region) for region in looks_for(plane, prompts, knowledge.diameter)
    ]
    return [option for look in looks for option in options_of(model.decoder, look, prompts)]


def _compared(options: Sequence[Option], knowledge: Knowledge, truth: Mask) -> Question:
    full = [option for option in options if option.traits is not None]
    ious = [0.0 if option.mask is None else option.mask.iou(truth) for option in full]
    first = [
        (option.predicted_iou, iou)
        for option, iou in zip(full, ious, strict=True)
        if option.geometry == options[0].geometry and option.token > 0 and not option.boxed
    ]
    usual = max(first, default=(0.0, 0.0))[1]
    return Question([measures(option, knowledge) for option in full], np.array(ious), usual)


def fit(asked: Questions, names: Sequence[str], fixed: Weights | None = None) -> dict[str, float]:
    """The weights of ``names`` that make the first candidate best, those in ``fixed`` being given.

    Each data set counts alike; one that would be worse than the reference counts more.
    """
    parts = [[question for question in part if question.ious.size] for part in asked.values()]
    chosen = [question for part in parts for question in part]
    members = np.concatenate(
        [np.tile(np.eye(len(parts))[:, [place]], len(part)) / len(part) for place, part in enumerate(parts)],
        axis=1,
    )
    usual = members @ [question.usual for question in chosen]
    rows = [measured for question in chosen for measured in question.measures]
    table = np.array([[measured.get(name, 0.0) for name in names] for measured in rows])
    scale = table.std(axis=0) + 1e-6
    table /= scale
    kept = {name: weight for name, weight in (fixed or {}).items() if name not in names}
    given = np.array([_score(measured, kept) for measured in rows])
    ious = np.concatenate([question.ious for question in chosen])
    sizes = np.array([question.ious.size for question in chosen])
    starts, owner = np.cumsum(sizes) - sizes, np.repeat(np.arange(sizes.size), sizes)
    share = members.mean(axis=0)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = given + table @ weights
        chances = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        chances /= np.add.reduceat(chances, starts)[owner]
        expected = np.add.reduceat(chances * ious, starts)
        missing = np.maximum(0.0, usual - members @ expected)
        pull = share + 2 * _LOSS * missing @ members
        slope = table.T @ (pull[owner] * chances * (ious - expected[owner]))
        cost = _DECAY * weights @ weights / 2 - share @ expected + _LOSS * missing @ missing
        return cost, _DECAY * weights - slope

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x
    return dict(zip(names, (found / scale).tolist(), strict=True))


def mean_iou(part: Sequence[Question], weights: Weights) -> float:
    """The mean IoU of the candidates that come first."""
    return float(np.mean([_first(question, weights) for question in part]))


def print_fit(title: str, asked: Questions, names: Sequence[str], before: Weights) -> None:
    """Each data set: the weights before, the fit, the fit without this set, the best candidate there is."""
    fitted = {**before, **fit(asked, names, before)}
    print(f"\n| {title} | questions | before | fitted | left out | best |\n|---|--:|--:|--:|--:|--:|")
    figures = []
    for name, part in asked.items():
        others = {other: questions for other, questions in asked.items() if other != name}
        blind = {**before, **fit(others, names, before)}
        best = float(np.mean([question.ious.max(initial=0.0) for question in part]))
        figures.append([*(mean_iou(part, weights) for weights in (before, fitted, blind)), best])
        print(f"| {name} | {len(part)} | {' | '.join(f'{figure:.3f}' for figure in figures[-1])} |")
    means = " | ".join(f"{figure:.3f}" for figure in np.mean(figures, axis=0))
    print(f"| mean | | {means} |", flush=True)


def _first(question: Question, weights: Weights) -> float:
    if not question.ious.size:
        return 0.0
    return float(question.ious[int(np.argmax([_score(measured, weights) for measured in question.measures]))])


def _score_of(option: Option, knowledge: Knowledge, weights: Weights) -> float:
    return _NEVER if option.traits is None else _score(measures(option, knowledge), weights)


def _score(measured: Weights, weights: Weights) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in measured.items())


def fit_all(model: HeadlessModel, clicked: Mapping[str, Sequence[Target]]) -> dict[str, dict[str, float]]:
    """Every weight; those that few questions tell about are fitted when the others are given."""
    weights: dict[str, dict[str, float]] = {}
    for situation, ask, names in (("cold", ask_cold, COLD), ("warm", ask_warm, WARM)):
        asked = questions(model, clicked, ask)
        print_fit(situation, asked, names, {"predicted_iou": 1.0})
        weights[situation] = fit(asked, names)
    warm = weights["warm"]
    linked = {name: clicked[name] for name in data_sets.LINKED}
    for title, ask, names, among in (
        ("told the size", partial(ask_boxed, weights=dict(warm)), BOXED, clicked),
        ("all others accepted", ask_in_company, ("taken",), clicked),
        ("previous frame known", ask_over_time, ("previous",), linked),
    ):
        asked = {name: part for name, part in questions(model, among, ask).items() if part}
        print_fit(title, asked, names, {**warm, **dict.fromkeys(BOXED, _NEVER)})
        warm |= fit(asked, names, warm)
    return weights


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, fit, print, and write when told to."""
    parser = argparse.ArgumentParser(prog="python -m resources.fit_candidates", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_sets.SHARED_DATA, help="folder of the data sets")
    parser.add_argument("--limit", type=int, help="at most so many images per set (default: all)")
    parser.add_argument("--cells", type=int, default=6, help="at most so many cells per image (default 6)")
    parser.add_argument("--cache", type=Path, default=paths.cache_dir() / "benchmarks", help="embeddings")
    parser.add_argument("--write", action="store_true", help="replace the program's weights")
    arguments = parser.parse_args(argv)
    checkpoint = ModelRegistry().path("vit_t")
    if checkpoint is None:
        print("Needs the model vit_t.", file=sys.stderr)
        return 2
    model = open_model(checkpoint, arguments.cache, None)
    clicked = {
        name: list(targets(arguments.data, name, arguments.limit, arguments.cells))
        for name in data_sets.NAMES
    }
    weights = fit_all(model, clicked)
    text = json.dumps(
        {
            part: {name: round(weight, 4) for name, weight in fitted.items()}
            for part, fitted in weights.items()
        },
        indent=1,
    )
    print(text)
    if arguments.write:
        _FILE.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
