"""How a decoder is trained: plain numbers, written down with every run, and the presets that have names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

from cellsam_desktop.core.errors import CellSamError
from training.views import Look


class ConfigError(CellSamError):
    """A configuration that cannot be read."""


@dataclass(frozen=True)
class Config:
    """One way to train. A *step* changes the weights once; a *round* is one prompt more for the same cells.

    Every field is a number, a string or a flag, so that a run can be written down and repeated.
    """

    preset: str = "curator"
    # What the encoder sees: whole planes, the crops that inference chooses, both (window), or square patches.
    look: Look = "whole"
    patch: int = 512
    """Side of a patch in plane pixels."""
    overlap: float = 0.25
    """How much of that side patches beside each other share, at least."""
    turns: int = 8
    """How many of the eight turned and mirrored forms of each view are encoded; 1 is the view as it is."""
    # Prompts.
    images_per_step: int = 2
    prompts_per_image: int = 4
    point_share: float = 0.5
    """Share of cells whose first prompt is a point; the others begin with a box."""
    corrections: int = 3
    """Most rounds after the first, each with a click in the error region."""
    clicks_per_round: Literal[1, 2] = 1
    """With two, one is where the mask lacks something and one where it has too much."""
    correct_share: float = 0.5
    """Chance that another round follows a round."""
    real_share: float = 0.5
    """Chance that a cell's first prompts are those a person really placed, where there are any."""
    hint_share: float = 0.5
    """Share of corrections that see the logits of the round before."""
    box_jitter: float = 0.1
    """Largest displacement of a box's side, as a share of that side's length."""
    smallest_cell: int = 16
    """Cells of fewer plane pixels are left out."""
    # Learning.
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 3e-4
    weight_decay: float = 0.0
    pull: float = 0.0
    """How strongly weights are drawn to those of the model, per step and learning rate (Li et al. 2018)."""
    warm_up: int = 20
    """Steps until the learning rate is reached."""
    schedule: Literal["constant", "cosine", "plateau"] = "cosine"
    clip: float = 1.0
    """Largest norm of the gradient; 0 leaves it as it is."""
    average: float = 0.99
    """Decay of the moving average of the weights that is judged and kept; 0 keeps the weights themselves."""
    # Loss.
    dice: float = 1.0
    cross_entropy: float = 1.0
    focal: float = 0.0
    others: float = 0.5
    """Share of all three masks for a single point in its loss; the rest is the best one's."""
    quality: float = 1.0
    """Weight of the error of the predicted IoU."""
    rehearsal: float = 0.0
    """Weight of boxes on made-up scenes that are to be answered as before training, so that other images are
    served as before; a step has as many scenes as images, and on all of them the cells of one image."""
    rehearse_every: int = 2
    """One step of so many rehearses, with so many times the weight."""
    half: bool = True
    """Whether products may be computed in 16 bits where that is quicker."""
    # When it ends.
    looks: int = 10
    """How often the held-out cells are looked at, at most, evenly spread over the budget."""
    held_out_cells: int = 32
    """How many of them each time."""
    epochs: int = 1000
    patience: int = 5
    """Looks at the held-out cells without improvement after which training ends; 0 goes on."""
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Config:
        """Read what ``to_json`` wrote.

        Raises:
            ConfigError: there are fields that this version does not know.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ConfigError(f"This version does not know the setting {unknown[0]!r} of the training run.")
        return cls(**data)


PRESETS: Mapping[str, Config] = MappingProxyType(
    {
        "curator": Config(
            look="window", learning_rate=1.5e-4, correct_share=0.25, pull=3.0, quality=4.0, rehearsal=2.0
        ),
        "cellsam-box": Config("cellsam-box", prompts_per_image=1, point_share=0.0, corrections=0),
        "cellsam-point": Config("cellsam-point", prompts_per_image=1, point_share=1.0, corrections=0),
        "epfl-mitochondria": Config(
            "epfl-mitochondria",
            look="patches",
            patch=256,
            overlap=0.0,
            turns=1,
            images_per_step=2,
            prompts_per_image=1,
            point_share=0.0,
            corrections=0,
            optimizer="adam",
            learning_rate=1e-5,
            warm_up=0,
            schedule="constant",
            clip=0.0,
            average=0.0,
            quality=0.0,
            half=False,
            looks=5,
            epochs=5,
            patience=0,
        ),
        "iterative": Config(
            "iterative",
            look="patches",
            turns=1,
            images_per_step=1,
            prompts_per_image=25,
            corrections=7,
            clicks_per_round=2,
            correct_share=1.0,
            others=0.0,
            box_jitter=0.025,
            learning_rate=1e-5,
            weight_decay=0.01,
            warm_up=0,
            schedule="plateau",
            clip=0.0,
            average=0.0,
            cross_entropy=0.0,
            smallest_cell=25,
            looks=50,
            epochs=100,
            patience=10,
        ),
    }
)
"""The presets by name; ``curator`` is the default."""
