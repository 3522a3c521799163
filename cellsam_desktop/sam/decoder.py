"""The prompt encoder and mask decoder in ONNX Runtime: prompts and an embedding to candidate masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import OrtValue

from cellsam_desktop.core.prompts import Prompts
from cellsam_desktop.sam.cores import usable
from cellsam_desktop.sam.decoder_files import HINTED, DecoderFiles
from cellsam_desktop.sam.prompt_arrays import prompt_arrays
from cellsam_desktop.sam.providers import CPU
from cellsam_desktop.sam.sessions import DecoderSession
from cellsam_desktop.sam.transforms import InputGeometry

FloatArray = NDArray[np.float32]

# Where pairs of neighbours in the logits of the masks (4, 256, 256) lie among the graph's pixels. Those are
# ordered by row and column of the image token, row and column in the first upscaling, mask, and row and
# column in the second.
_PAIRS = np.arange(4 * 256 * 128).reshape(64, 64, 2, 2, 4, 2).transpose(4, 0, 2, 5, 1, 3).reshape(4, 256, 128)
_MOST_AT_ONCE = 8  # each decode under way takes some 30 MB


@dataclass(frozen=True, eq=False)
class Candidate:
    """One mask the decoder offers: logits (256, 256) over the padded input, and its predicted IoU."""

    logits: FloatArray
    predicted_iou: float


@dataclass(frozen=True, eq=False)
class Answer:
    """Three candidates for one set of prompts, best first; ``tokens`` are all four, in the model's order.

    ``trained`` says that a trained decoder gave it, all of whose tokens mean the kind of cell it learned;
    those of a model's own stand for a part, the whole and so on.
    """

    candidates: tuple[Candidate, ...]
    tokens: tuple[Candidate, ...] = ()
    trained: bool = False


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """What the decoder needs of one image, whatever the prompts are; lies on the decoder's device.

    Made from ``embedding`` by ``OnnxDecoder.prepare``. Another decoder than its ``maker`` prepares it anew:
    its weights may differ, and the tensors may lie on a device that failed meanwhile.
    """

    tensors: Mapping[str, OrtValue]
    embedding: NDArray[Any]
    maker: object

    @property
    def nbytes(self) -> int:
        """The memory it takes."""
        tensors = sum(tensor.tensor_size_in_bytes() for tensor in self.tensors.values())
        return int(tensors + self.embedding.nbytes)


class OnnxDecoder:
    """One exported decoder. Not for several threads at once."""

    def __init__(
        self, onnx: Path, threads: int | None = None, providers: Sequence[str] | None = None
    ) -> None:
        """``onnx`` lies in its folder of ``DecoderFiles``; ``threads`` are those used (None: all cores).

        Raises:
            ModelError: one of the graphs cannot be loaded.
        """
        files = DecoderFiles(onnx.parent)
        self._onnx = onnx
        self._threads = threads
        graphs = onnx, files.image, files.hint
        self._session, self._image_session, self._hint_session = _sessions(graphs, threads, providers)
        self._mark = object()  # known to its images, which must not keep it alive
        self._trained = files.trained
        self._last_hint: tuple[PreparedImage, FloatArray, PreparedImage] | None = None

    @property
    def provider(self) -> str:
        """The execution provider really in use, e.g. ``CPUExecutionProvider``."""
        return self._session.provider

    @property
    def on_cpu(self) -> bool:
        """Whether the CPU computes everything."""
        return self.provider == CPU

    def prepare(self, embedding: NDArray[Any]) -> PreparedImage:
        """Do once what depends on the image alone; ``embedding`` is (256, 64, 64) of any float type."""
        array = np.ascontiguousarray(embedding, dtype=np.float32).reshape(len(embedding), -1)
        tensors = self._image_session.run_on_device(_values(embedding=array))
        return PreparedImage(tensors, np.array(embedding), self._mark)

    def decode(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Prompts,
        hint: FloatArray | None = None,
    ) -> Answer:
        """The candidates for ``prompts`` (plane pixels) on the region that ``image`` shows.

        An embedding (256, 64, 64) serves as ``image`` too, as does what another decoder prepared; both are
        prepared at each call. ``hint`` is the logits (256, 256) of an earlier answer to these prompts less
        the last; what it takes is remembered for the next call, since a hover asks with the same hint again
        and again.

        Raises:
            PromptError: there is no prompt.
        """
        prepared = self._prepared(image)
        if hint is not None:
            last = self._last_hint
            if last is None or last[0] is not prepared or last[1] is not hint:
                self._last_hint = last = (prepared, hint, _hinted(self._hint_session, prepared, hint))
            prepared = last[2]
        return _decode(self._session, prepared, geometry, prompts, self._trained)

    def decode_many(
        self,
        image: PreparedImage | NDArray[Any],
        geometry: InputGeometry,
        prompts: Sequence[Prompts],
        hints: Sequence[FloatArray | None] | None = None,
    ) -> list[Answer]:
        """The same answers as ``decode`` gives for each of ``prompts`` by itself, with its hint.

        Raises:
            PromptError: one of them has no prompt.
        """
        given = [None] * len(prompts) if hints is None else hints
        prepared = self._prepared(image)
        session, hint_session = self._many_sessions

        def answer(cell: Prompts, hint: FloatArray | None) -> Answer:
            own = prepared if hint is None else _hinted(hint_session, prepared, hint)
            return _decode(session, own, geometry, cell, self._trained)

        with ThreadPoolExecutor(self._at_once) as pool:
            asked = [pool.submit(answer, *cell) for cell in zip(prompts, given, strict=True)]
            return [future.result() for future in asked]

    @cached_property
    def _at_once(self) -> int:
        """One prompt per core wastes nothing on waiting for each other; a GPU is kept busy by one."""
        if not self.on_cpu:
            return 1
        return min(_MOST_AT_ONCE, self._threads or usable())

    @cached_property
    def _many_sessions(self) -> tuple[DecoderSession, DecoderSession]:
        """For prompts and for hints; where several runs are under way, each has one thread and no helpers."""
        if self._at_once == 1:
            return self._session, self._hint_session
        hint = DecoderFiles(self._onnx.parent).hint
        return DecoderSession(self._onnx, 1, [CPU]), DecoderSession(hint, 1, [CPU])

    def _prepared(self, image: PreparedImage | NDArray[Any]) -> PreparedImage:
        if not isinstance(image, PreparedImage):
            return self.prepare(image)
        return image if image.maker is self._mark else self.prepare(image.embedding)


def _sessions(
    graphs: Sequence[Path], threads: int | None, providers: Sequence[str] | None
) -> list[DecoderSession]:
    """All of them on the CPU where the graphics card serves only some: they hand tensors to each other."""
    sessions = [DecoderSession(graph, threads, providers) for graph in graphs]
    if len({session.provider for session in sessions}) > 1:
        return [DecoderSession(graph, threads, [CPU]) for graph in graphs]
    return sessions


def _hinted(session: DecoderSession, image: PreparedImage, hint: FloatArray) -> PreparedImage:
    """The image for decodes with ``hint``."""
    logits = np.ascontiguousarray(hint, dtype=np.float32)
    before = {name: image.tensors[name] for name in session.inputs - {"hint"}}
    changed = session.run_on_device({**before, **_values(hint=logits)})
    after = {name.removeprefix(HINTED): value for name, value in changed.items()}
    return replace(image, tensors={**image.tensors, **after})


def _decode(
    session: DecoderSession, image: PreparedImage, geometry: InputGeometry, prompts: Prompts, trained: bool
) -> Answer:
    coords, labels = prompt_arrays(prompts, geometry)
    kinds = labels[0].astype(np.int64) + 1
    feeds = {**image.tensors, **_values(coords=coords[0], kinds=kinds)}
    pixels, quality = (value.numpy() for value in session.run(["pixels", "quality"], feeds))
    masks = pixels.reshape(-1).view(np.float64).take(_PAIRS).view(np.float32)
    tokens = tuple(Candidate(mask, float(iou)) for mask, iou in zip(masks, quality, strict=True))
    return Answer(tuple(tokens[number] for number in token_order(prompts, quality)), tokens, trained)


def _values(**arrays: NDArray[Any]) -> dict[str, OrtValue]:
    return {name: OrtValue.ortvalue_from_numpy(array) for name, array in arrays.items()}


def token_order(prompts: Prompts, quality: FloatArray) -> list[int]:
    """The three mask tokens to offer, best first, from the predicted IoU of all four.

    One point may mean a part or the whole; tokens 1 to 3 were trained for that. A box or several points say
    what is meant; token 0 was trained for that (Kirillov et al. 2023).
    """
    ambiguous = sorted((1, 2, 3), key=lambda token: -quality[token])
    certain = prompts.box is not None or len(prompts.points) > 1
    return [0, *ambiguous[:2]] if certain else ambiguous
