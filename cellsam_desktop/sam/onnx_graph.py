"""A small language to write ONNX graphs in: values with operators, numpy arrays as constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20  # the first with Gelu
_IR_VERSION = 10  # what goes with it; helper would take the newest, which an older ONNX Runtime refuses
_MICROSOFT = "com.microsoft"

Operand: TypeAlias = "Value | NDArray[Any]"


@dataclass(frozen=True, eq=False)
class Value:
    """What a node computes, or an input, or a constant; float32 unless said otherwise."""

    graph: Graph
    name: str

    def __add__(self, other: Operand) -> Value:
        return self.graph.node("Add", self, other)

    def __sub__(self, other: Operand) -> Value:
        return self.graph.node("Sub", self, other)

    def __mul__(self, other: Operand) -> Value:
        return self.graph.node("Mul", self, other)

    def __truediv__(self, other: Operand) -> Value:
        return self.graph.node("Div", self, other)

    def __matmul__(self, other: Operand) -> Value:
        return self.graph.node("MatMul", self, other)

    def times_transposed(self, other: Operand, scale: float = 1.0) -> Value:
        """``scale * self @ other.T``, without transposing in memory."""
        return self.graph.node("FusedMatMul", self, other, domain=_MICROSOFT, transB=1, alpha=scale)

    def transposed_times(self, other: Operand) -> Value:
        """``self.T @ other``, without transposing in memory."""
        return self.graph.node("FusedMatMul", self, other, domain=_MICROSOFT, transA=1)

    def linear(self, weight: Operand, bias: Operand) -> Value:
        """``self @ weight + bias`` for small matrices, in one go: a single thread lays out the bias first."""
        return self.graph.node("Gemm", self, weight, bias)

    def transposed_linear(self, weight: Operand, bias: Operand) -> Value:
        """``self.T @ weight + bias``, likewise."""
        return self.graph.node("Gemm", self, weight, bias, transA=1)

    def reshape(self, *shape: int) -> Value:
        """Here -1 is what is left."""
        return self.graph.node("Reshape", self, np.array(shape))

    def transpose(self, *axes: int) -> Value:
        """The axes in this order."""
        return self.graph.node("Transpose", self, perm=axes)

    def rows(self, start: int, stop: int) -> Value:
        """``self[start:stop]``."""
        return self.graph.node("Slice", self, np.array([start]), np.array([stop]))

    def sum(self, axis: int, keep: bool = False) -> Value:
        """Over one axis."""
        return self.graph.node("ReduceSum", self, np.array([axis]), keepdims=int(keep))

    def softmax(self, axis: int = -1) -> Value:
        """Over the last axis, or over a short one before it: there, ONNX Runtime's own would transpose."""
        if axis == -1:
            return self.graph.node("Softmax", self, axis=-1)
        highest = self.graph.node("ReduceMax", self, np.array([axis]), keepdims=1)
        raised = self.graph.node("Exp", self - highest)
        return raised / raised.sum(axis, keep=True)

    def relu(self) -> Value:
        """``max(self, 0)``."""
        return self.graph.node("Relu", self)

    def inverse(self) -> Value:
        """``1 / self``."""
        return self.graph.node("Reciprocal", self)

    def gelu(self) -> Value:
        """The exact one, with the error function."""
        return self.graph.node("Gelu", self)

    def layer_norm(self, weight: Operand, bias: Operand, epsilon: float) -> Value:
        """Over the last axis."""
        return self.layer_norm_with_statistics(weight, bias, epsilon)[0]

    def layer_norm_with_statistics(
        self, weight: Operand, bias: Operand, epsilon: float
    ) -> tuple[Value, Value, Value]:
        """Over the last axis; then the means, and one over the standard deviations."""
        operands = (self, weight, bias)
        normed, mean, inverse = self.graph.nodes(
            "LayerNormalization", *operands, outputs=3, axis=-1, epsilon=epsilon
        )
        return normed, mean, inverse


class Graph:
    """Nodes, constants, inputs and outputs, from which ``model`` makes an ONNX model."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._output_names: dict[str, str] = {}

    def input(self, name: str, shape: Sequence[int | str]) -> Value:
        """A float32 input; a named axis is dynamic."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return Value(self, name)

    def integers(self, name: str, shape: Sequence[int | str]) -> Value:
        """An int64 input."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, shape))
        return Value(self, name)

    def output(self, name: str, value: Value, shape: Sequence[int | str]) -> None:
        """A float32 output; a named axis is dynamic."""
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self._output_names[value.name] = name

    def constant(self, array: NDArray[Any]) -> Value:
        """An array; float64 becomes float32."""
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"{self._name}_constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return Value(self, name)

    def concat(self, values: Sequence[Operand], axis: int) -> Value:
        """The values one after the other along an axis."""
        return self.node("Concat", *values, axis=axis)

    def node(self, operator: str, *operands: Operand, domain: str = "", **attributes: Any) -> Value:
        """One operator with one output."""
        return self.nodes(operator, *operands, outputs=1, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, *operands: Operand, outputs: int, domain: str = "", **attributes: Any
    ) -> list[Value]:
        """One operator with several outputs."""
        values = [given if isinstance(given, Value) else self.constant(given) for given in operands]
        number = len(self._nodes)
        results = [f"{self._name}_{operator}_{number}_{output}" for output in range(outputs)]
        inputs = [value.name for value in values]
        self._nodes.append(helper.make_node(operator, inputs, results, domain=domain, **attributes))
        return [Value(self, result) for result in results]

    def model(self) -> onnx.ModelProto:
        """The finished model, checked.

        Raises:
            onnx.checker.ValidationError: an operator is used wrongly.
        """
        model = self._assemble()
        onnx.checker.check_model(model)
        return model

    def _assemble(self) -> onnx.ModelProto:
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(self._body(), opset_imports=opsets, ir_version=_IR_VERSION)

    def _body(self) -> onnx.GraphProto:
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [self._output_names.get(name, name) for name in names]
        return helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, self._constants)
