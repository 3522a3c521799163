"""Which ONNX Runtime execution providers can serve here."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence

import onnxruntime

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def usable_providers() -> list[str]:
    """CUDA if this computer has its driver, then the CPU.

    ONNX Runtime would try by itself, and write pages of errors where there is none.
    """
    if CUDA in onnxruntime.get_available_providers() and has_cuda_driver():
        onnxruntime.preload_dlls()  # finds the CUDA libraries that PyTorch's wheels bring
        return [CUDA, CPU]
    return [CPU]


def exact(providers: Sequence[str]) -> list[str | tuple[str, dict[str, str]]]:
    """The same for ``InferenceSession``, all in full float32: CUDA would round products to TF32."""
    return [(name, {"use_tf32": "0"}) if name == CUDA else name for name in providers]


def has_cuda_driver() -> bool:
    """Whether an NVIDIA driver is installed; there may still be no card that can be used."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
