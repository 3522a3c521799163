"""Reading checkpoints without running anything they contain."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import torch
from torch import Tensor

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.checkpoint_names import sam_state


def load_checkpoint(path: Path) -> dict[str, Tensor]:
    """The weights in ``path`` under segment-anything's names, on the CPU; see ``sam_state``.

    Raises:
        ModelError: the file cannot be read, would need to run code, or holds no SAM weights.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of pickles it refuses the next moment
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path.name} would run code of its own when it is read, so it was refused: "
            "use a checkpoint that holds weights only."
        ) from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelError(
            f"{path.name} is not a readable PyTorch checkpoint: fetch the file again."
        ) from error
    return sam_state(content, Tensor, path.name)
