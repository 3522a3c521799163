"""What goes into the installed executable: read by build.spec, and by the tests of the bundle.

Everything here is a reason to leave something out; what the program needs is found by PyInstaller.
"""

from __future__ import annotations

import importlib.metadata
import plistlib
import re
import sys
from pathlib import Path
from typing import Any

NEVER = (
    "IPython", "PIL._avif", "PIL._imagingtk", "PIL.ImageTk", "_pytest", "hypothesis",
    "matplotlib", "mypy", "pip", "pytest", "pytestqt", "ruff", "setuptools", "tensorboard",
    "tkinter", "uv", "wheel",
    # What only `score` needs (decision 0206), and what other optional parts of libraries would bring.
    "ctc_metrics", "dask", "pandas", "pyarrow", "resource_backed_dask_array", "skimage", "sklearn",
    # Parts of pyqtgraph and Qt that no window of ours opens.
    "PySide6.QtDesigner", "PySide6.QtHelp", "PySide6.QtNetwork", "PySide6.QtQml", "PySide6.QtQuick",
    "PySide6.QtQuickWidgets", "PySide6.QtSql", "PySide6.QtUiTools", "pyqtgraph.console", "pyqtgraph.examples",
    "pyqtgraph.jupyter", "pyqtgraph.opengl",
    # Tests of libraries, and what makes graphs of other programs.
    "hf_xet", "mobile_sam", "onnx.backend", "onnx.reference", "scipy._lib.array_api_compat.torch",
    "torch.utils.tensorboard", "triton", "zarr.testing",
)  # fmt: skip
CODECS_OF_NO_MOVIE = (
    "aec", "apng", "avif", "bcn", "bitshuffle", "blosc", "blosc2", "bmp", "brotli", "brunsli", "bz2",
    "h5checksum", "heif", "htj2k", "lz4", "lz4f", "lzf", "lzfse", "lzham", "lzo", "meshopt", "mozjpeg",
    "pcodec", "pglz", "qoi", "quantize", "rcomp", "rgbe", "snappy", "sperr", "spng", "sz3", "szip",
    "ultrahdr", "zfp", "zopfli",
)  # fmt: skip
"""Codecs of imagecodecs that neither a TIFF nor an image that we read can name; zarr has its own."""
ONLY_FULL = (
    # Of SciPy the program itself needs fft, linalg, ndimage, optimize, sparse, spatial and special.
    "scipy.integrate", "scipy.interpolate", "scipy.signal", "scipy.stats",
    "accelerate", "huggingface_hub", "monai", "safetensors.torch", "segment_anything", "sympy", "timm",
    "torch", "torchvision", "training",
)  # fmt: skip

_UNWANTED_EVERYWHERE = (
    r"PySide6/Qt/translations/",
    r"PySide6/Qt/qml/",
    r"PySide6/Qt/plugins/(networkinformation|tls|qmltooling|sqldrivers|designer)/",
    # The theme of GTK would load the system's GTK beside our own, perhaps older, GLib.
    r"PySide6/Qt/plugins/(platformthemes/libqgtk3|generic/libq|imageformats/libq(tga|wbmp))",
    r"PySide6/Qt/plugins/platforms/libq(eglfs|linuxfb|minimalegl|vkkhrdisplay|vnc)",
    r"PySide6/Qt/plugins/(egldeviceintegrations|platforminputcontexts/libqtvirtualkeyboard)",
    r"(^|/)libQt6(Qml|Quick|VirtualKeyboard|Network|Sql|Designer|Help|EglFS)",
    r"\.(a|lib|h|hpp|cuh|pyi|pyx|pxd|c|cpp|cu|cmake)$",
    r"(^|/)tests?/",
    # TensorRT's provider needs a library of 2 GB that no bundle has.
    r"onnxruntime/capi/.*providers_tensorrt",
)
_UNWANTED_IN_LEAN = (r"onnxruntime/capi/.*providers_cuda", r"(^|/)nvidia/", r"(^|/)torch/")
_UNWANTED_IN_FULL = (
    r"(^|/)triton/",
    r"(^|/)torch/(bin/protoc|include/|share/)",
    # PyTorch loads its linear algebra for cards when a matrix is to be solved or inverted: none is, here.
    r"(^|/)lib(torch_cuda_linalg|cusolver|cusolverMg)\.so",
    # Profiling (CUPTI is needed, nvperf is not), and files that a card reads over the network by itself.
    r"nvidia/.*/libnvperf_",
    r"nvidia/.*/libcufile_rdma",
    r"nvidia/.*/libnvshmem_(bootstrap|transport)",
)
_UNWANTED = {
    flavour: re.compile("|".join((*_UNWANTED_EVERYWHERE, *more)))
    for flavour, more in (("lean", _UNWANTED_IN_LEAN), ("full", _UNWANTED_IN_FULL))
}


def excluded_modules(flavour: str) -> list[str]:
    """Modules that PyInstaller must not follow."""
    codecs = (f"imagecodecs._{name}" for name in CODECS_OF_NO_MOVIE)
    return [*NEVER, *codecs, *(ONLY_FULL if flavour == "lean" else ())]


def is_module_wanted(name: str) -> bool:
    """Whether a module found by name belongs inside: no library's own tests."""
    return not any(part in ("testing", "tests", "test", "conftest") for part in name.split("."))


def is_file_wanted(destination: str, flavour: str) -> bool:
    """Whether a file belongs inside; ``destination`` is its path in the bundle."""
    return not _UNWANTED[flavour].search(destination.replace("\\", "/"))


def is_installed(distribution: str) -> bool:
    """Whether the environment that builds has it."""
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def executable_icon(staged: Path) -> str | None:
    """The icon in the form that this system wants; Linux keeps icons in files of their own."""
    suffix = {"win32": ".ico", "darwin": ".icns"}.get(sys.platform)
    return None if suffix is None else str(staged / "icons" / f"cellsam-desktop{suffix}")


def version_numbers(version: str) -> tuple[int, int, int, int]:
    """Four numbers, as Windows wants them: 1.2.3.dev4 is (1, 2, 3, 4)."""
    numbers = [int(number) for number in re.findall(r"\d+", version.partition("+")[0])][:4]
    first, second, third, fourth = [*numbers, 0, 0, 0, 0][:4]
    return first, second, third, fourth


def version_resource(version: str, staged: Path, name: str) -> str | None:
    """A file that describes the version resource of an executable on Windows; None elsewhere."""
    if sys.platform != "win32":
        return None
    file = staged / f"{name}.version"
    file.write_text(version_text(version, name), encoding="utf-8")
    return str(file)


def version_text(version: str, name: str) -> str:
    """The version resource in the form that PyInstaller reads."""
    words = {
        "CompanyName": "CellSAM Desktop",
        "FileDescription": "CellSAM Desktop",
        "FileVersion": version,
        "InternalName": name,
        "LegalCopyright": "Apache-2.0",
        "OriginalFilename": f"{name}.exe",
        "ProductName": "CellSAM Desktop",
        "ProductVersion": version,
    }
    lines = ", ".join(f"StringStruct({key!r}, {value!r})" for key, value in words.items())
    numbers = version_numbers(version)
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3f, flags=0x0, "
        "OS=0x40004, fileType=0x1, subtype=0x0, date=(0, 0)), kids=["
        f"StringFileInfo([StringTable('040904B0', [{lines}])]), "
        "VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n"
    )


def info_plist(file: str, version: str) -> dict[str, Any]:
    """What macOS is told about the program: the document type is in ``file``, the version comes from git."""
    content: dict[str, Any] = plistlib.loads(Path(file).read_bytes())
    numbers = ".".join(map(str, version_numbers(version)[:3]))
    return {**content, "CFBundleShortVersionString": numbers, "CFBundleVersion": numbers}
