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
from training.config import Config
from training.embed import Embeddings
from training.frames import CellTruth
from training.prompts import PromptBatch, first_prompts, real_prompts
from training.sampling import Item, Sampler
from training.targets import TargetMaker, Targets
from training.views import View


class OneCellDataset(Dataset[dict[str, Tensor]]):
    """Per view one random cell, at the size of the encoder's input: the recipe of CellSAM.

    An item is a dictionary of tensors that PyTorch's loaders can stack: ``image`` (3, 1024, 1024) float32, as
    the encoder takes it, or, given ``embeddings``, ``embedding`` (256, 64, 64) float16; ``mask`` (1024, 1024)
    bool; ``coords`` (P, 2) float32 as (x, y) in input pixels, and ``labels`` (P,), see ``PromptBatch``: the
    two corners of a jittered box, or ``points`` points inside the cell and the padding behind them.

    What is drawn depends on the seed, the epoch and the place, so that an epoch is the same whichever process
    loads which part of it.
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
        """Cells of fewer than ``smallest`` plane pixels are left out, and views without any other."""
        found = ((view, [cell for cell in view.cells if cell.mask.area >= smallest]) for view in views)
        self.views: list[tuple[View, list[CellTruth]]] = [(view, cells) for view, cells in found if cells]
        self._points = points if prompt == "points" else 0
        self._jitter = jitter
        self._embeddings = embeddings
        self._seed = seed
        self._epoch = 0
        self._targets = TargetMaker()

    def __len__(self) -> int:
        return len(self.views)

    def set_epoch(self, epoch: int) -> None:
        """Draw other cells and prompts from now on."""
        self._epoch = epoch

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        view, cells = self.views[place]
        numbers = np.random.default_rng([self._seed, self._epoch, place])
        random = torch.Generator().manual_seed(int(numbers.integers(2**62)))
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
        return {
            "coords": torch.cat([prompts.coords[:, 0], prompts.coords[:1, 1]]),
            "labels": torch.cat([prompts.labels[:, 0], prompts.labels[:1, 1]]),
        }


@dataclass(frozen=True, eq=False)
class Prompted:
    """Some cells of one view with their first prompts; ``embedding`` (256, 64, 64) is float16."""

    item: Item
    embedding: Tensor
    targets: Targets
    prompts: PromptBatch


class PromptedDataset(Dataset[Prompted]):
    """The general form: many cells of a view, to be decoded against its one embedding.

    What is drawn is what training draws (``Sampler``): the items of each step follow each other, and an epoch
    has as many as there are cells to ask about. They depend on the seed, the epoch and the place alone. Load
    them with ``batch_size=None``: each is a batch.
    """

    def __init__(self, views: Sequence[View], embeddings: Embeddings, config: Config) -> None:
        """``config`` says how many cells per view, which prompts, and the seed.

        Raises:
            DataError: there is no cell of ``config.smallest_cell`` pixels.
        """
        self._sampler = Sampler(views, config)
        self._embeddings, self._config = embeddings, config
        self._targets = TargetMaker()
        self._epoch = 0

    def __len__(self) -> int:
        return self._sampler.steps_per_epoch * self._config.images_per_step

    def set_epoch(self, epoch: int) -> None:
        """Draw other cells and prompts from now on."""
        self._epoch = epoch

    def __getitem__(self, place: int) -> Prompted:
        step, number = divmod(self._epoch * len(self) + place, self._config.images_per_step)
        item = self._sampler.items(step)[number]
        targets = self._targets.make(item.view, item.cells)
        random = torch.Generator().manual_seed(item.seed)
        drawn = first_prompts(targets, self._config.point_share, self._config.box_jitter, random)
        prompts = real_prompts(drawn, item.real(self._config.real_share), item.view.geometry)
        return Prompted(item, torch.from_numpy(np.array(self._embeddings.get(item.view))), targets, prompts)


def at_input_size(bits: BoolArray, geometry: InputGeometry) -> BoolArray:
    """A mask (height, width) as it lies in the encoder's input, (1024, 1024): nearest pixels, and padding."""
    size = (geometry.input_width, geometry.input_height)
    resized = np.asarray(Pictures.fromarray(bits).resize(size, Pictures.Resampling.NEAREST), np.bool_)
    out = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.bool_)
    out[: size[1], : size[0]] = resized
    return out
