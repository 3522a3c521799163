"""The prompt encoder and mask decoder in ONNX Runtime: prompts and an embedding to candidate masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import OrtValue

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.prompt_arrays import prompt_arrays
from cellsam_desktop.sam.providers import usable_providers
from cellsam_desktop.sam.transforms import InputGeometry

FloatArray = NDArray[np.float32]

_NO_HINT = np.zeros((1, 1, 256, 256), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One mask the decoder offers: logits (256, 256) over the padded input, and its predicted IoU."""

    logits: FloatArray
    predicted_iou: float


@dataclass(frozen=True, eq=False)
class Answer:
    """Three candidates for one set of prompts, best first; ``tokens`` are all four, in the model's order."""

    candidates: tuple[Candidate, ...]
    tokens: tuple[Candidate, ...] = ()


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """What the decoder needs of one image, whatever the prompts are; lies on the decoder's device.

    Made by ``OnnxDecoder.prepare``, and of use to that decoder only.
    """

    tensors: Mapping[str, OrtValue]

    @property
    def nbytes(self) -> int:
        """The memory it takes."""
        return sum(tensor.tensor_size_in_bytes() for tensor in self.tensors.values())


class OnnxDecoder:
    """One exported decoder. Not for several threads at once."""

    def __init__(
        self, onnx: Path, threads: int | None = None, providers: Sequence[str] | None = None
    ) -> None:
        """``threads`` limits those of one decode (None: as many as there are cores).

        Raises:
            ModelError: the graph cannot be loaded.
        """
        options = onnxruntime.SessionOptions()
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = threads or 0
        wanted = usable_providers() if providers is None else list(providers)
        try:
            self._session = onnxruntime.InferenceSession(str(onnx), options, providers=wanted)
        except Exception as error:  # ONNX Runtime's own exceptions share no base but Exception
            raise ModelError(
                f"The decoder {onnx} cannot be loaded: delete it, and it is exported anew."
            ) from error

    @property
    def provider(self) -> str:
        """The execution provider really in use, e.g. ``CPUExecutionProvider``."""
        return str(self._session.get_providers()[0])

    def prepare(self, embedding: NDArray[Any]) -> PreparedImage:
        """Do once what depends on the image alone; ``embedding`` is (256, 64, 64) of any float type."""
        array = np.ascontiguousarray(embedding, dtype=np.float32)[None]
        device = "cuda" if self.provider == "CUDAExecutionProvider" else "cpu"
        return PreparedImage({"image_embeddings": OrtValue.ortvalue_from_numpy(array, device)})

    def decode(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Prompts,
        hint: FloatArray | None = None,
    ) -> Answer:
        """The candidates for ``prompts`` (plane pixels) on the region that ``image`` shows.

        An embedding (256, 64, 64) serves as ``image`` too, but is prepared at each call. ``hint`` is the
        logits (256, 256) of an earlier answer to these prompts less the last.

        Raises:
            PromptError: there is no prompt.
        """
        coords, labels = prompt_arrays(prompts, geometry)
        prepared = image if isinstance(image, PreparedImage) else self.prepare(image)
        given = {
            "point_coords": coords,
            "point_labels": labels,
            "mask_input": _NO_HINT if hint is None else np.asarray(hint, dtype=np.float32)[None, None],
            "has_mask_input": np.array([hint is not None], dtype=np.float32),
        }
        feeds = {name: OrtValue.ortvalue_from_numpy(array) for name, array in given.items()}
        masks, quality = self._session.run_with_ort_values(None, {**prepared.tensors, **feeds})
        return _answer(prompts, masks.numpy()[0], quality.numpy()[0])

    def decode_many(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[FloatArray | None] | None = None,
        batch: int = 64,
    ) -> list[Answer]:
        """The same answers as ``decode`` gives for each of ``prompts`` by itself, with its hint.

        Raises:
            PromptError: one of them has no prompt.
        """
        prepared = image if isinstance(image, PreparedImage) else self.prepare(image)
        cells = zip(prompts, hints or [None] * len(prompts), strict=True)
        return [self.decode(prepared, geometry, cell, hint) for cell, hint in cells]


def _answer(prompts: Prompts, logits: FloatArray, quality: FloatArray) -> Answer:
    tokens = tuple(Candidate(mask, float(iou)) for mask, iou in zip(logits, quality, strict=True))
    return Answer(tuple(tokens[number] for number in _order(prompts, quality)), tokens)


def _order(prompts: Prompts, quality: FloatArray) -> list[int]:
    """The three mask tokens to offer, best first, from the predicted IoU of all four.

    One point may mean a part or the whole; tokens 1 to 3 were trained for that. A box or several points say
    what is meant; token 0 was trained for that (Kirillov et al. 2023).
    """
    ambiguous = sorted((1, 2, 3), key=lambda token: -quality[token])
    certain = prompts.box is not None or len(prompts.points) > 1
    return [0, *ambiguous[:2]] if certain else ambiguous
