"""ONNX Runtime sessions for graphs that were written for it, and results that stay on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnxruntime
from onnxruntime import InferenceSession, OrtValue

from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.providers import usable_providers

_SPIN_US = "100"


def open_session(
    onnx: Path, threads: int | None = None, providers: Sequence[str] | None = None
) -> InferenceSession:
    """``threads`` limits those of one run (None: as many as there are cores); None: all usable providers.

    Raises:
        ModelError: the graph cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads or 0
    # Waking a thread for each node takes a fifth of a decode; one that spins for long is in the way of
    # whoever else computes, and so of this session itself.
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
    # The graphs are written as they shall run; some of the optimizer's fusions make them slower.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    wanted = usable_providers() if providers is None else list(providers)
    try:
        return InferenceSession(str(onnx), options, providers=wanted)
    except Exception as error:  # ONNX Runtime's own exceptions share no base but Exception
        raise ModelError(
            f"The decoder's {onnx} cannot be loaded: delete {onnx.parent}, and it is exported anew."
        ) from error


def run_on_device(session: InferenceSession, inputs: Mapping[str, OrtValue]) -> dict[str, OrtValue]:
    """All outputs by name, left on the device that the session runs on."""
    device = "cuda" if session.get_providers()[0] == "CUDAExecutionProvider" else "cpu"
    binding = session.io_binding()
    for name, value in inputs.items():
        binding.bind_ortvalue_input(name, value)
    names = [output.name for output in session.get_outputs()]
    for name in names:
        binding.bind_output(name, device)
    session.run_with_iobinding(binding)
    return dict(zip(names, binding.get_outputs(), strict=True))
