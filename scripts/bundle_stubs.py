"""Put small libraries that refuse in the place of large ones that nothing here calls.

PyTorch's CUDA library is linked with libraries for several cards, sparse matrices and Fourier transforms:
without them it does not load, and nothing here calls them. Each is replaced by a library of the same name
with the functions that others in the bundle want, which all answer with an error (decision 0276).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

UNUSED = (
    "nvidia/nccl/lib/libnccl.so.2",
    "nvidia/cusparselt/lib/libcusparseLt.so.0",
    "nvidia/nvshmem/lib/libnvshmem_host.so.3",
    "nvidia/cu13/lib/libcufft.so.12",
)
_WANTING = ("torch/lib/*.so*", "onnxruntime/capi/*.so*", "nvidia/*/lib/*.so*")
_TEXT = re.compile("String$|LastError$")
_POINTER = re.compile("malloc$|_ptr$")


def replace_unused(folder: Path) -> int:
    """Replace all of ``UNUSED`` that are in ``folder`` (the one with the libraries); the bytes saved.

    Raises:
        ValueError: a library gives others more than functions.
    """
    libraries = [folder / name for name in UNUSED if (folder / name).is_file()]
    users = [file for pattern in _WANTING for file in folder.glob(pattern) if file not in libraries]
    wanted = {name for file in users for _, name, _ in _symbols(file, "--undefined-only")}
    return sum(_replace(library, wanted) for library in libraries)


def _replace(library: Path, wanted: set[str]) -> int:
    functions: dict[str, list[str]] = defaultdict(list)
    for kind, name, version in _symbols(library, "--defined-only"):
        if name in wanted and name.startswith(("nccl", "nvshmem", "cusparse", "cufft")):
            if kind not in "TW":
                raise ValueError(f"{library.name} gives others {name}, which is no function")
            functions[version].append(name)
    before = library.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        source, script, made = (Path(folder) / name for name in ("stub.c", "stub.map", library.name))
        source.write_text("".join(_function(name) for names in functions.values() for name in sorted(names)))
        script.write_text("".join(_node(version, names) for version, names in functions.items() if version))
        command = ["gcc", "-shared", "-fPIC", "-O1", f"-Wl,-soname,{library.name}"]
        command += ["-o", str(made), str(source)]
        if any(functions):
            command.append(f"-Wl,--version-script={script}")
        subprocess.run(command, check=True)
        shutil.copyfile(made, library)
    return before - library.stat().st_size


def _function(name: str) -> str:
    if _TEXT.search(name):
        return f'const char *{name}(void) {{ return "not part of this program"; }}\n'
    return f"long {name}(void) {{ return {0 if _POINTER.search(name) else 1}; }}\n"


def _node(version: str, names: Iterable[str]) -> str:
    return f"{version} {{ global: {'; '.join(sorted(names))}; local: *; }};\n"


def _symbols(library: Path, which: str) -> list[tuple[str, str, str]]:
    """Kind, name and version of the symbols that a library gives or wants."""
    answer = subprocess.run(["nm", "-D", which, str(library)], capture_output=True, text=True, check=False)
    found = []
    for line in answer.stdout.splitlines():
        *_, kind, symbol = line.split()
        name, _, version = symbol.partition("@")
        found.append((kind, name, version.lstrip("@")))
    return found
