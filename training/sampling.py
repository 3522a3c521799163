"""Which cells are asked about in a step: drawn from the seed, so that a resumed run draws the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop.core.prompts import Prompts
from training.config import Config
from training.frames import CellTruth, DataError
from training.views import View


@dataclass(frozen=True, eq=False)
class Item:
    """Some cells of one view; ``seed`` draws their prompts.

    ``rounds`` is how often they are asked about, the first prompt included. Boxes around the cells of a
    ``rehearsed`` item are to be answered as before training. ``weight`` is how much an item counts beside
    the others.
    """

    view: View
    cells: tuple[CellTruth, ...]
    seed: int
    rounds: int = 1
    rehearsed: bool = False
    weight: float = 1.0

    def real(self, chance: float) -> list[Prompts | None]:
        """For each cell, by chance, the prompts that a person placed for it; None otherwise."""
        random = np.random.default_rng(self.seed)
        drawn: list[Prompts | None] = []
        for cell in self.cells:
            placed = self.view.prompts(cell)
            use = bool(placed) and random.random() < chance
            drawn.append(placed[random.integers(len(placed))] if use else None)
        return drawn


class Sampler:
    """Draws the items of each step; every cell is as likely as every other.

    Of the items one half are closer views, where there are any.
    """

    def __init__(self, views: Sequence[View], config: Config, rehearsed: Sequence[View] = ()) -> None:
        """``views`` include the turned forms; of ``rehearsed`` views each step has some.

        Raises:
            DataError: there is no cell of ``config.smallest_cell`` pixels.
        """
        self._config = config
        self._rehearsed = rehearsed
        cells = [tuple(c for c in view.cells if c.mask.area >= config.smallest_cell) for view in views]
        self._views = [(view, own) for view, own in zip(views, cells, strict=True) if own]
        if not self._views:
            raise DataError(
                f"No cell has {config.smallest_cell} pixels or more, so there is nothing to learn from."
            )
        counts = np.array([len(own) for _, own in self._views], dtype=np.float64)
        closer = np.array([view.closer for view, _ in self._views])
        self._chances = _chances(counts, closer)
        straight = sum(len(own) for view, own in self._views if view.turn == 0 and not view.closer)
        straight = straight or int(counts.sum())
        self.steps_per_epoch = math.ceil(straight / (config.images_per_step * config.prompts_per_image))

    def items(self, step: int) -> list[Item]:
        """The items of a step, the same whenever they are asked for."""
        config = self._config
        random = np.random.default_rng([config.seed, step])
        numbers = random.choice(len(self._views), config.images_per_step, p=self._chances)
        drawn = [self._views[number] for number in numbers]
        rounds = self._rounds(random)
        count = config.prompts_per_image
        items = [self._item(view, cells, count, rounds, random) for view, cells in drawn]
        return items + self._scenes(step, random)

    def _scenes(self, step: int, random: np.random.Generator) -> list[Item]:
        """As many scenes as images, in some of the steps; all have together as many cells as one image."""
        config = self._config
        if not self._rehearsed or step % config.rehearse_every:
            return []
        scenes = [
            self._rehearsed[n] for n in random.integers(len(self._rehearsed), size=config.images_per_step)
        ]
        count = max(1, config.prompts_per_image // len(scenes))
        items = [self._item(view, view.cells, count, 1, random) for view in scenes]
        weight = config.rehearsal * config.rehearse_every / len(scenes)
        return [replace(item, rehearsed=True, weight=weight) for item in items]

    def _rounds(self, random: np.random.Generator) -> int:
        """The same for all images of a step, so that they are done at the same time."""
        rounds = 1
        while rounds <= self._config.corrections and random.random() < self._config.correct_share:
            rounds += 1
        return rounds

    def _item(
        self, view: View, cells: Sequence[CellTruth], count: int, rounds: int, random: np.random.Generator
    ) -> Item:
        chosen = random.choice(len(cells), count, replace=count > len(cells))
        return Item(view, tuple(cells[n] for n in chosen), int(random.integers(2**31)), rounds)


def _chances(counts: NDArray[np.float64], closer: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How likely each view is, by its cells; closer views together as likely as the others together."""
    sides = [side for side in (closer, ~closer) if side.any()]
    weights = sum(np.where(side, counts / counts[side].sum(), 0.0) for side in sides)
    return np.asarray(weights / len(sides))
