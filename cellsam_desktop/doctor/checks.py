"""Turn findings into checks: what works, what does not, and the command that mends it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cellsam_desktop import installed, logs, paths, settings, system_libraries
from cellsam_desktop.doctor import findings
from cellsam_desktop.doctor.findings import Finding
from cellsam_desktop.doctor.probes import PROBES, has_display
from cellsam_desktop.sam.encoder_choice import Choices

DEFAULT_MODEL = "vit_t"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Check:
    """One line of the report. ``missing`` keeps the main job from running; ``note`` does not."""

    name: str
    status: Literal["ok", "note", "missing"]
    text: str
    fix: str | None = None


def all_checks() -> list[Check]:
    """Examine this computer; takes as long as loading torch and Qt once."""
    found = findings.collect(PROBES)
    return [
        _python(),
        _qt(found["qt"]),
        *_screen(),
        _torch(found["torch"]),
        _gpu(found["torch"]),
        _onnxruntime(found["onnxruntime"], found["torch"]),
        _encoder(),
        _libraries(found["libraries"]),
        _models(found["models"]),
        _cache(),
        _log(),
    ]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("Python", "ok", f"{version}, {sys.executable}")
    return Check("Python", "missing", f"{version} is not supported", "install Python 3.11, 3.12 or 3.13")


def _qt(found: Finding) -> Check:
    if "failed" not in found:
        return Check("Qt", "ok", f"{found['version']} on {found['platform']}")
    fix = system_libraries.install_command() if _absent_libraries() else mend_packages()
    return Check("Qt", "missing", f"the window cannot be opened: {found['failed']}", fix)


def _screen() -> Iterator[Check]:
    absent = _absent_libraries()
    if absent:
        text = f"the system lacks {', '.join(absent)}"
        yield Check("Qt libraries", "note", text, system_libraries.install_command())
    if has_display():
        yield Check("Display", "ok", "a window can be shown")
    else:
        yield Check(
            "Display",
            "note",
            "neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can be shown",
            f"log in to a desktop, or work without a window: {_program()} segment --help",
        )


def _torch(found: Finding) -> Check:
    if not installed.has_torch() and installed.flavour() == "lean":
        text = "not part of the lean build, which encodes with ONNX Runtime on the CPU"
        return Check("torch", "ok", f"{text}; for training and graphics cards {installed.FULL_BUILD}")
    if "failed" in found:
        return Check("torch", "missing", f"the encoder cannot run: {found['failed']}", mend_packages())
    return Check("torch", "ok", f"{found['version']} with torchvision {found['torchvision']}")


def _gpu(found: Finding) -> Check:
    if found.get("cuda"):
        return Check("CUDA", "ok", f"{found['cuda']}, CUDA {found['built_for_cuda']}")
    if found.get("mps"):
        return Check("GPU", "ok", "Apple's GPU through MPS")
    card = findings.nvidia_gpu()
    if card is not None and installed.flavour() == "lean":
        return Check("CUDA", "note", f"{card} is there; the lean build uses the CPU", installed.FULL_BUILD)
    if card is None:
        return Check("CUDA", "note", "no NVIDIA GPU with a driver was found, so the CPU is used")
    if "failed" in found or found.get("built_for_cuda"):
        fix = "update the NVIDIA driver: https://www.nvidia.com/drivers"
    else:
        fix = mend_packages()
    return Check("CUDA", "note", f"{card} is there, but torch cannot use it", fix)


def _onnxruntime(found: Finding, torch: Finding) -> Check:
    if "failed" in found:
        return Check("ONNX Runtime", "missing", f"the decoder cannot run: {found['failed']}", mend_packages())
    providers = [name.removesuffix("ExecutionProvider") for name in found["providers"]]
    text = f"{found['version']}, in use: {', '.join(providers)}"
    if torch.get("cuda") and "CUDA" not in providers:
        return Check("ONNX Runtime", "note", f"{text}, although torch can use CUDA", mend_packages())
    return Check("ONNX Runtime", "ok", text)


def _encoder() -> Check:
    """What encodes on the CPU; a graphics card is always PyTorch's."""
    measured = [
        f"{case}: {known.backend}, ONNX Runtime {known.onnxruntime_s:.2f} s an image, "
        f"PyTorch {known.pytorch_s:.2f} s"
        for case, known in Choices().here().items()
    ]
    usual = Choices().backend(DEFAULT_MODEL, None)
    return Check("CPU encoder", "ok", "; ".join(measured) or f"{usual}, not yet compared on this computer")


def _libraries(found: Finding) -> Check:
    if "failed" in found:
        return Check("Libraries", "missing", f"images cannot be read: {found['failed']}", mend_packages())
    return Check("Libraries", "ok", f"numpy {found['version']} and the image libraries load")


def _models(found: Finding) -> Check:
    fix = f"{_program()} models fetch {DEFAULT_MODEL}"
    if "failed" in found:
        return Check("Models", "missing", f"they cannot be listed: {found['failed']}", fix)
    if DEFAULT_MODEL in found["installed"]:
        return Check("Models", "ok", f"{', '.join(found['installed'])} in {found['folder']}")
    names = ", ".join(found["installed"]) or "none"
    return Check("Models", "missing", f"the default, {DEFAULT_MODEL}, is not there (installed: {names})", fix)


def _cache() -> Check:
    folder, limit = paths.cache_dir(), settings.Settings.load().cache_limit_gb
    try:
        used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9
        disk = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(disk).free / 1e9
    except OSError as error:
        return Check("Cache", "missing", f"{folder} cannot be used: {error}", f"make {folder} writable")
    text = f"{used:.2f} GB of {limit:g} GB in {folder}, {free:.0f} GB free on that disk"
    if free < 1:
        return Check("Cache", "note", text, "make room on that disk, or set CELLSAM_HOME to another one")
    return Check("Cache", "ok", text)


def _log() -> Check:
    file = logs.log_file()
    if file.exists():
        return Check("Log", "ok", str(file))
    return Check("Log", "note", f"{file} cannot be written", f"make {file.parent} writable")


def mend_packages() -> str:
    """What installs the packages again: differs for a source tree, an installed package, an executable."""
    if installed.flavour() != "sources":
        return "install CellSAM Desktop again"
    if (_ROOT / "scripts" / "setup.py").exists():
        return f"python3 {_ROOT / 'scripts' / 'setup.py'} --reinstall"
    return f"{sys.executable} -m pip install --force-reinstall cellsam-desktop"


def _program() -> str:
    """How a user calls this program in the terminal she is in."""
    known = shutil.which("cellsam-desktop")
    return "cellsam-desktop" if known else " ".join(paths.program_command())


def _absent_libraries() -> list[str]:
    """System libraries Qt lacks; found without loading Qt."""
    if sys.platform != "linux":
        return []
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations:
        return []
    return system_libraries.missing_libraries(Path(spec.submodule_search_locations[0]) / "Qt")
