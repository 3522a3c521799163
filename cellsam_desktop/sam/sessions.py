"""ONNX Runtime sessions for graphs that were written for it, and results that stay on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import onnxruntime
from onnxruntime import InferenceSession, OrtValue

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.cores import beside_workers, for_onnx_runtime
from cellsam_desktop.sam.providers import CPU, CUDA, exact, usable_providers

_SPIN_US = "100"


class DecoderSession:
    """One graph, ready to run; ``inputs`` are the names of what it is given.

    Its caller shares no core with the threads that help it.
    """

    def __init__(
        self, onnx: Path, threads: int | None = None, providers: Sequence[str] | None = None
    ) -> None:
        """``threads`` limits those of one run (None: as many as there are cores); None: all usable providers.

        Raises:
            ModelError: the graph cannot be loaded.
        """
        options = onnxruntime.SessionOptions()
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = for_onnx_runtime(threads)
        # Waking a thread for each node takes a fifth of a decode; one that spins for long is in the way of
        # whoever else computes, and so of this session itself.
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
        # The graphs are written as they shall run; some of the optimizer's fusions make them slower.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        wanted = exact(usable_providers() if providers is None else providers)
        try:
            self._session = InferenceSession(str(onnx), options, providers=wanted)
        except Exception as error:  # ONNX Runtime's own exceptions share no base but Exception
            raise ModelError(
                f"The decoder's {onnx} cannot be loaded: delete {onnx.parent}, and it is exported anew."
            ) from error
        # A run that fails is never repeated in silence: its inputs may lie on the device that failed.
        self._session.disable_fallback()
        self._workers_are_tied = not options.intra_op_num_threads and self.provider == CPU
        self.inputs = frozenset(given.name for given in self._session.get_inputs())
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def provider(self) -> str:
        """The execution provider really in use, e.g. ``CPUExecutionProvider``."""
        return str(self._session.get_providers()[0])

    def run(self, names: Sequence[str], inputs: Mapping[str, OrtValue]) -> list[OrtValue]:
        """The outputs ``names`` in main memory."""
        with self._place():
            results: list[OrtValue] = self._session.run_with_ort_values(list(names), dict(inputs))
        return results

    def run_on_device(self, inputs: Mapping[str, OrtValue]) -> dict[str, OrtValue]:
        """All outputs by name, left on the device that the session runs on."""
        device = "cuda" if self.provider == CUDA else "cpu"
        binding = self._session.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        for name in self._outputs:
            binding.bind_output(name, device)
        with self._place():
            self._session.run_with_iobinding(binding)
        return dict(zip(self._outputs, binding.get_outputs(), strict=True))

    def _place(self) -> AbstractContextManager[None]:
        return beside_workers() if self._workers_are_tied else nullcontext()
