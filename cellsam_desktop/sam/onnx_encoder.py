"""The image encoder in ONNX Runtime on the CPU; never loads torch.

The graph is written when the encoder is made, and the weights are used where they are, in the checkpoint:
there is no export to be made, stored, or found out of date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.checkpoint_file import load_arrays
from cellsam_desktop.sam.cores import for_onnx_runtime
from cellsam_desktop.sam.encoder_choice import Backend
from cellsam_desktop.sam.encoder_graph import FloatArray, MappedGraph, Weights
from cellsam_desktop.sam.encoder_graph_tiny import add_tiny_vit
from cellsam_desktop.sam.encoder_graph_vit import add_vit
from cellsam_desktop.sam.transforms import IMAGE_SIZE, preprocess
from cellsam_desktop.sam.vit_shapes import VIT_SHAPES

_PART = "image_encoder."
EMBEDDING_SHAPE = (1, 256, 64, 64)


class GraphSession:
    """A written graph with one input and one output, ready to run on the CPU."""

    def __init__(self, graph: MappedGraph, threads: int | None = None) -> None:
        """``threads`` limits those of one run (None: as many as there are cores).

        Raises:
            Exception: of ONNX Runtime, whose own exceptions share no base: it cannot run the graph.
        """
        # The session uses the weights in place, so they have to live as long as it does.
        self._weights = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in graph.weights.values()]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = for_onnx_runtime(threads)
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.enable_mem_pattern = False  # costs a third more memory and gains no time
        options.add_session_config_entry("session.force_spinning_stop", "1")  # leaves the cores to the window
        options.add_external_initializers(list(graph.weights), self._weights)
        cpu = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(graph.serialised(), options, providers=cpu)
        self._input = self._session.get_inputs()[0].name

    def run(self, given: FloatArray) -> FloatArray:
        """What the graph makes of ``given``."""
        result: FloatArray = self._session.run(None, {self._input: given})[0]
        return result


class OnnxEncoder:
    """One model's image encoder on the CPU."""

    device = "cpu"
    backend: Backend = "onnxruntime"
    batch = 1  # the processor gains nothing by several images at once

    def __init__(self, checkpoint: Path, architecture: str, threads: int | None = None) -> None:
        """``threads`` limits those of one image (None: as many as there are cores).

        Raises:
            ModelError: the weights cannot be used, or ONNX Runtime cannot run the graph.
        """
        graph = encoder_graph(load_arrays(checkpoint), architecture)
        try:
            self._session = GraphSession(graph, threads)
        except Exception as error:
            raise ModelError(
                f"ONNX Runtime cannot run the encoder of {checkpoint.name} ({error})."
            ) from error

    def encode(self, image: NDArray[np.uint8]) -> FloatArray:
        """The embedding (256, 64, 64) of an RGB image (height, width, 3).

        Raises:
            ModelError: there is too little memory.
        """
        given = preprocess(image)
        try:
            embedding: FloatArray = self._session.run(given)[0]
        except Exception as error:
            raise ModelError(
                f"The encoder failed ({error}): close other programs, or choose a smaller model."
            ) from error
        return embedding

    def encode_many(self, images: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
        """The embedding of each image."""
        return [self.encode(image) for image in images]


def encoder_graph(state: Mapping[str, FloatArray], architecture: str) -> MappedGraph:
    """From an image (1, 3, 1024, 1024), normalised, to its embedding (1, 256, 64, 64).

    Raises:
        ModelError: the architecture is unknown or the weights do not fit it exactly.
    """
    own = {name.removeprefix(_PART): array for name, array in state.items() if name.startswith(_PART)}
    weights, graph = Weights(own), MappedGraph("encoder")
    image = graph.input("image", (1, 3, IMAGE_SIZE, IMAGE_SIZE))
    try:
        if architecture == "vit_t":
            embedding = add_tiny_vit(image, weights)
        elif architecture in VIT_SHAPES:
            embedding = add_vit(image, weights, VIT_SHAPES[architecture])
        else:
            known = ", ".join(VIT_SHAPES)
            raise ModelError(f"The architecture {architecture!r} is not known: choose one of vit_t, {known}.")
    except (KeyError, ValueError) as error:
        raise _misfit(architecture) from error
    if any(not _is_spare(name) for name in weights.unused):
        raise _misfit(architecture)
    graph.output("embedding", embedding, EMBEDDING_SHAPE)
    return graph


def _is_spare(name: str) -> bool:
    """Whether TinyViT's encoder does without: its classifier, and what its layers count and look up."""
    return name.startswith(("norm_head.", "head.")) or name.endswith(("num_batches_tracked", "bias_idxs"))


def _misfit(architecture: str) -> ModelError:
    return ModelError(
        f"The weights do not fit the architecture {architecture}: state the one they were made for."
    )
