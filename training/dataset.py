"""Training data as PyTorch's loaders take it: one cell of each image, or many cells against one embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image as Pictures
from torch import Generator, Tensor
from torch.utils.data import Dataset

from cellsam_desktop.core.mask import BoolArray
from cellsam_desktop.sam.transforms import IMAGE_SIZE, InputGeometry, preprocess
from training.embed import Embeddings
from training.frames import CellTruth
from training.prompts import PromptBatch, first_prompts
from training.targets import TargetMaker, Targets
from training.views import View


class _Shown(Dataset[object]):
    """Views with the cells that are large enough; what is drawn depends on the seed, the epoch and the place.

    So an epoch is the same whichever process loads which part of it.
    """

    def __init__(self, views: Sequence[View], smallest: int, seed: int) -> None:
        """Cells of fewer than ``smallest`` plane pixels are left out, and views without any other."""
        found = ((view, [cell for cell in view.cells if cell.mask.area >= smallest]) for view in views)
        self.views: list[tuple[View, list[CellTruth]]] = [(view, cells) for view, cells in found if cells]
        self._seed = seed
        self._epoch = 0
        self._targets = TargetMaker()

    def __len__(self) -> int:
        return len(self.views)

    def set_epoch(self, epoch: int) -> None:
        """Draw other cells and prompts from now on."""
        self._epoch = epoch

    def _draw(self, place: int) -> tuple[np.random.Generator, Generator]:
        numbers = np.random.default_rng([self._seed, self._epoch, place])
        return numbers, torch.Generator().manual_seed(int(numbers.integers(2**62)))


class OneCellDataset(_Shown):
    """Per view one random cell, at the size of the encoder's input: the recipe of CellSAM.

    An item is a dictionary of tensors that PyTorch's loaders can stack: ``image`` (3, 1024, 1024) float32, as
    the encoder takes it, or, given ``embeddings``, ``embedding`` (256, 64, 64) float16; ``mask`` (1024, 1024)
    bool; ``coords`` (P, 2) float32 as (x, y) in input pixels, and ``labels`` (P,), see ``PromptBatch``: the
    two corners of a jittered box, or ``points`` points inside the cell and the padding behind them.
    """

    def __init__(
        self,
        views: Sequence[View],
        prompt: Literal["box", "points"] = "box",
        points: int = 1,
        jitter: float = 0.1,
        smallest: int = 1,
        seed: int = 0,
        embeddings: Embeddings | None = None,
    ) -> None:
        super().__init__(views, smallest, seed)
        self._points = points if prompt == "points" else 0
        self._jitter = jitter
        self._embeddings = embeddings

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        view, cells = self.views[place]
        numbers, random = self._draw(place)
        cell = cells[int(numbers.integers(len(cells)))]
        mask = torch.from_numpy(at_input_size(view.truth(cell), view.geometry))
        return {**self._image(view), "mask": mask, **self._prompts(view, cell, random)}

    def _image(self, view: View) -> dict[str, Tensor]:
        if self._embeddings is None:
            return {"image": torch.from_numpy(preprocess(view.image())[0])}
        return {"embedding": torch.from_numpy(np.array(self._embeddings.get(view)))}

    def _prompts(self, view: View, cell: CellTruth, random: Generator) -> dict[str, Tensor]:
        targets = self._targets.make(view, [cell] * max(1, self._points))
        prompts = first_prompts(targets, float(self._points > 0), self._jitter, random)
        if not self._points:
            return {"coords": prompts.coords[0], "labels": prompts.labels[0]}
        padding = prompts.coords[:1, 1], prompts.labels[:1, 1]
        return {
            "coords": torch.cat([prompts.coords[:, 0], padding[0]]),
            "labels": torch.cat([prompts.labels[:, 0], padding[1]]),
        }


@dataclass(frozen=True, eq=False)
class Prompted:
    """Cells of one view with their first prompts; ``embedding`` (256, 64, 64) is float16."""

    view: View
    cells: tuple[CellTruth, ...]
    embedding: Tensor
    targets: Targets
    prompts: PromptBatch


class PromptedDataset(_Shown):
    """Per view up to ``prompts`` random cells, all to be decoded against its one embedding.

    The items differ in their number of cells: load them with ``batch_size=None``.
    """

    def __init__(
        self,
        views: Sequence[View],
        embeddings: Embeddings,
        prompts: int = 16,
        point_share: float = 0.5,
        jitter: float = 0.1,
        smallest: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(views, smallest, seed)
        self._embeddings = embeddings
        self._prompts = prompts
        self._point_share = point_share
        self._jitter = jitter

    def __getitem__(self, place: int) -> Prompted:
        view, cells = self.views[place]
        numbers, random = self._draw(place)
        chosen = numbers.permutation(len(cells))[: self._prompts]
        drawn = tuple(cells[int(number)] for number in chosen)
        targets = self._targets.make(view, drawn)
        prompts = first_prompts(targets, self._point_share, self._jitter, random)
        embedding = torch.from_numpy(np.array(self._embeddings.get(view)))
        return Prompted(view, drawn, embedding, targets, prompts)


def at_input_size(bits: BoolArray, geometry: InputGeometry) -> BoolArray:
    """A mask (height, width) as it lies in the encoder's input, (1024, 1024): nearest pixels, and padding."""
    size = (geometry.input_width, geometry.input_height)
    resized = np.asarray(Pictures.fromarray(bits).resize(size, Pictures.Resampling.NEAREST), np.bool_)
    out = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.bool_)
    out[: size[1], : size[0]] = resized
    return out
