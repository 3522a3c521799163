"""ONNX graphs whose weights stay where they are, in the mapped checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, TensorProto

from cellsam_desktop.sam.onnx_graph import Graph, Operand, Value

FloatArray = NDArray[np.float32]


class Weights:
    """The weights of a model, or of one part of it, by name; remembers which were used."""

    def __init__(
        self, state: Mapping[str, FloatArray], prefix: str = "", used: set[str] | None = None
    ) -> None:
        self._state = state
        self._prefix = prefix
        self._used = set[str]() if used is None else used

    def __getitem__(self, name: str) -> FloatArray:
        """The weight ``name`` of this part.

        Raises:
            KeyError: there is none.
        """
        weight = self._state[self._prefix + name]
        self._used.add(self._prefix + name)
        return weight

    def part(self, name: str) -> Weights:
        """The module called ``name`` within this one."""
        return Weights(self._state, f"{self._prefix}{name}.", self._used)

    @property
    def unused(self) -> set[str]:
        """Full names of those never asked for."""
        return set(self._state) - self._used


class MappedGraph(Graph):
    """A graph that only names its ``weights``: a session has to be given them.

    So nothing is copied, written or limited to the 2 GB of a message.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.weights: dict[str, FloatArray] = {}

    def constant(self, array: NDArray[Any]) -> Value:
        """Numbers that stay where they are if they are float32; shapes and other integers are kept."""
        if array.dtype.kind != "f":
            return super().constant(array)
        name = f"{self._name}_weight_{len(self.weights)}"
        self.weights[name] = np.ascontiguousarray(array, dtype=np.float32)
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="memory")
        self._constants.append(tensor)
        return Value(self, name)

    def serialised(self) -> bytes:
        """The finished model; ONNX's checker would look for the weights on the disk."""
        return bytes(self._assemble().SerializeToString())


class Body(Graph):
    """What ``scan`` repeats. It may use values of the graphs around it; its name must be its own."""

    def finished(self) -> GraphProto:
        """As the attribute of a node."""
        return self._body()


def scan(graph: Graph, body: Body, items: Sequence[Value]) -> Value:
    """``body`` for each slice along the first axis of ``items``, which are its inputs in order; stacked."""
    return graph.node("Scan", *items, body=body.finished(), num_scan_inputs=len(items))


def dense(x: Value, weight: FloatArray, bias: FloatArray | None = None) -> Value:
    """Rows (n, in) times ``weight`` (out, in), as PyTorch keeps it, plus ``bias`` (out,)."""
    operands: list[Operand] = [x, weight, *([] if bias is None else [bias])]
    return x.graph.node("Gemm", *operands, transB=1)


def convolve(
    x: Value, kernel: FloatArray, bias: FloatArray | None = None, stride: int = 1, groups: int = 1
) -> Value:
    """A convolution of (1, channels, height, width), padded to keep its size (divided by ``stride``)."""
    operands: list[Operand] = [x, kernel, *([] if bias is None else [bias])]
    pads = [kernel.shape[2] // 2] * 4
    return x.graph.node("Conv", *operands, pads=pads, strides=[stride, stride], group=groups)
