"""Reading checkpoints without running anything they contain."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cellsam_desktop.core.errors import ModelError

_PARTS = ("image_encoder.", "prompt_encoder.", "mask_decoder.")
_NESTS = ("model_state", "model", "state_dict")  # micro-sam and torch-em, MedSAM, Lightning
_PREFIXES = ("sam.", "module.", "model.")


def load_checkpoint(path: Path) -> dict[str, Tensor]:
    """The weights in ``path`` under segment-anything's names, on the CPU.

    Checkpoints of training programs keep them one level down and under a prefix ("model_state", "sam.");
    what does not belong to the model, such as micro-sam's second decoder or an optimiser, is left out.

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
    state = _sam_state(content)
    if not state:
        raise ModelError(f"{path.name} holds no weights of a Segment Anything model.")
    return state


def _sam_state(content: Any) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    for nest in _NESTS:
        if isinstance(content.get(nest), Mapping):
            content = content[nest]
    renamed = {_plain(name): value for name, value in content.items() if isinstance(name, str)}
    return {
        name: value
        for name, value in renamed.items()
        if name.startswith(_PARTS) and isinstance(value, Tensor)
    }


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
