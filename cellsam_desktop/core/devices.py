"""Names of what may encode images."""

from __future__ import annotations

EXACT_CUDA = "cuda-float32"
"""An NVIDIA card that computes in float32 throughout, where ``cuda`` takes float16 wherever it is quicker."""

DEVICES = ("auto", "cpu", "cuda", EXACT_CUDA, "mps")


def is_exact(device: str) -> bool:
    """Whether embeddings computed in float16 will not do."""
    return device == EXACT_CUDA


def hardware(device: str) -> str:
    """``device`` as PyTorch calls it, or ``auto``."""
    return "cuda" if device == EXACT_CUDA else device
