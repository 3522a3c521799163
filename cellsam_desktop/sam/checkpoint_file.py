"""PyTorch checkpoints read without PyTorch: the numbers stay in the file, which is mapped into memory.

A checkpoint is a zip archive of uncompressed members: ``data.pkl``, a pickle of the dictionary in which each
tensor names its storage, and one member per storage (``torch.serialization``, since PyTorch 1.6).
"""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellsam_desktop import installed
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.checkpoint_names import sam_state

Array = NDArray[Any]

_LOCAL_HEADER = 30  # bytes of a zip member's own header before its name
_TYPES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip


class UnreadableWithoutTorch(ModelError):
    """The file may be a checkpoint, but only PyTorch can tell."""


def load_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """The weights in ``path`` under segment-anything's names; PyTorch is loaded only for unusual files.

    The arrays are read-only views of the file where its numbers are float32.

    Raises:
        ModelError: the file cannot be read, would need to run code, or holds no SAM weights.
    """
    try:
        state = sam_state(read_arrays(path), np.ndarray, path.name)
    except UnreadableWithoutTorch as error:
        state = _load_with_torch(path, error)
    return {name: np.asarray(array, dtype=np.float32) for name, array in state.items()}


def _load_with_torch(path: Path, error: UnreadableWithoutTorch) -> dict[str, Array]:
    try:
        from cellsam_desktop.sam.weights import load_checkpoint
    except ImportError:
        if installed.has_torch():
            raise error from None
        raise UnreadableWithoutTorch(f"{error} To use it, {installed.FULL_BUILD}.") from None
    return {name: tensor.float().numpy() for name, tensor in load_checkpoint(path).items()}


def read_arrays(path: Path) -> Any:
    """What ``torch.load(path, weights_only=True)`` gives, with read-only arrays for tensors.

    Nothing in the file is run: of all that a pickle may name, only tensors are made.

    Raises:
        ModelError: the file cannot be opened.
        UnreadableWithoutTorch: the file is of an older kind, or holds more than plain containers of tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            pickled = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            storages = _Storages(path, archive, pickled.removesuffix("data.pkl"))
            return _Reader(archive.read(pickled), storages).load()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, StopIteration, KeyError, ValueError, TypeError, AttributeError,
            EOFError, IndexError, pickle.UnpicklingError) as error:  # fmt: skip
        raise UnreadableWithoutTorch(f"{path.name} cannot be read without PyTorch ({error}).") from error


class _Storages:
    """The members that hold numbers, as flat arrays over the mapped file."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, prefix: str) -> None:
        self._file = _map(path)
        self._archive = archive
        self._prefix = prefix
        order = f"{prefix}byteorder"
        if order in archive.namelist() and archive.read(order) != b"little":
            raise ValueError("big-endian")

    def get(self, kind: str, key: str) -> Array:
        """The storage ``key``, of the type that PyTorch calls ``kind``."""
        member = self._archive.getinfo(f"{self._prefix}data/{key}")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError("compressed")
        header = self._file[member.header_offset :][:_LOCAL_HEADER]
        name_length, extra_length = np.frombuffer(header[26:30].tobytes(), dtype="<u2")
        start = member.header_offset + _LOCAL_HEADER + int(name_length) + int(extra_length)
        return self._file[start : start + member.file_size].view(np.dtype(_TYPES[kind]).newbyteorder("<"))


def _map(path: Path) -> Array:
    """The file's bytes; read at once on Windows, where a mapped file can be neither replaced nor removed."""
    if sys.platform == "win32":
        whole = np.fromfile(path, dtype=np.uint8)
        whole.flags.writeable = False
        return whole
    return np.memmap(path, mode="r")


class _Reader(pickle.Unpickler):
    """Makes arrays and ordered dictionaries, and refuses everything else that a pickle may ask for."""

    def __init__(self, data: bytes, storages: _Storages) -> None:
        super().__init__(io.BytesIO(data))
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """The few names a state dictionary needs."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _unwrap
        if module == "torch" and name in _TYPES:
            return name
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> Array:
        """A storage."""
        tag, kind, key, *_ = pid
        if tag != "storage":
            raise pickle.UnpicklingError(f"it holds a {tag}")
        return self._storages.get(kind, key)


def _rebuild(storage: Array, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Array:
    if not shape:
        return storage[offset : offset + 1].reshape(())
    reach = offset + 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if offset < 0 or min(strides, default=0) < 0 or (0 not in shape and reach > storage.size):
        raise ValueError("a tensor reaches beyond its storage")
    steps = tuple(stride * storage.itemsize for stride in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)


def _unwrap(tensor: Array, *_: Any) -> Array:
    return tensor
