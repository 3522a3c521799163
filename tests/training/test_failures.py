import pytest
import torch

from training.failures import TrainingError, explained

CUDA = torch.device("cuda")  # a name; no GPU is asked for


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("made"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    ],
)
def test_little_memory_is_a_sentence(error):
    with pytest.raises(TrainingError, match="too little memory"), explained(CUDA):
        raise error


def test_a_graphics_card_that_fails_is_a_sentence():
    sentence = r"The graphics card failed \(CUDA error: unknown\): choose the CPU\."
    with pytest.raises(TrainingError, match=sentence), explained(CUDA):
        raise RuntimeError("CUDA error: unknown\nCompile with TORCH_USE_CUDA_DSA")


def test_other_errors_are_left_as_they_are():
    with pytest.raises(RuntimeError, match="shape"), explained(torch.device("cpu")):
        raise RuntimeError("shape")
