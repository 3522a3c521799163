"""The weights of a Segment Anything model among what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from cellsam_desktop.core.errors import ModelError

_PARTS = ("image_encoder.", "prompt_encoder.", "mask_decoder.")
_NESTS = ("model_state", "model", "state_dict")  # micro-sam and torch-em, MedSAM, Lightning
_PREFIXES = ("sam.", "module.", "model.")

T = TypeVar("T")


def sam_state(content: Any, kind: type[T], name: str) -> dict[str, T]:
    """The values of type ``kind`` in the checkpoint ``content`` under segment-anything's names.

    Checkpoints of training programs keep them one level down and under a prefix ("model_state", "sam.");
    what does not belong to the model, such as micro-sam's second decoder or an optimiser, is left out.

    Raises:
        ModelError: there are none; ``name`` is the file's.
    """
    if not isinstance(content, Mapping):
        content = {}
    for nest in _NESTS:
        if isinstance(content.get(nest), Mapping):
            content = content[nest]
    renamed = {_plain(key): value for key, value in content.items() if isinstance(key, str)}
    state = {
        key: value for key, value in renamed.items() if key.startswith(_PARTS) and isinstance(value, kind)
    }
    if not state:
        raise ModelError(
            f"{name} holds no weights of a Segment Anything model: choose a checkpoint of one, "
            "such as those of segment-anything, MobileSAM or micro-sam."
        )
    return state


def _plain(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key
