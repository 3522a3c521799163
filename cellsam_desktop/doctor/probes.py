"""What the doctor tries, each in a process of its own: a probe may raise, crash or hang without harm.

Packages are loaded by name, not imported, because any of them may be the broken one.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

# A graph of one Identity node, y = x, with x of shape (1,): the smallest a session can be made of.
_TINY_ONNX = base64.b64decode(
    "CAgSADo3ChAKAXgSAXkiCElkZW50aXR5EgFnWg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUIECgAQEQ=="
)
_LIBRARIES = ("numpy", "scipy", "tifffile", "imagecodecs", "PIL", "pycocotools.mask", "nd2", "zarr")


def qt() -> dict[str, Any]:
    """Start Qt as the window would, on the real screen if there is one."""
    if sys.platform == "linux" and not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    core, widgets = _load("PySide6.QtCore"), _load("PySide6.QtWidgets")
    _load("pyqtgraph")
    application = widgets.QApplication([])
    return {"version": core.qVersion(), "platform": application.platformName()}


def torch() -> dict[str, Any]:
    """Load all the encoder needs and ask which devices it can use."""
    module, vision = _load("torch"), _load("torchvision")
    _load("timm")
    _load("segment_anything")
    cuda = module.cuda.is_available()
    return {
        "version": module.__version__,
        "torchvision": vision.__version__,
        "built_for_cuda": module.version.cuda,
        "cuda": module.cuda.get_device_name(0) if cuda else None,
        "mps": bool(module.backends.mps.is_available()),
    }


def onnxruntime() -> dict[str, Any]:
    """Make a session as the decoder does, and read the providers it really has."""
    module = _load("onnxruntime")
    module.set_default_logger_severity(4)
    wanted = _load("cellsam_desktop.sam.providers").usable_providers()
    session = module.InferenceSession(_TINY_ONNX, providers=wanted)
    return {"version": module.__version__, "providers": session.get_providers()}


def libraries() -> dict[str, Any]:
    """Load what reading, measuring and writing images needs."""
    for name in _LIBRARIES:
        _load(name)
    return {"version": _load("numpy").__version__}


def models() -> dict[str, Any]:
    """Which models' weights are on this computer."""
    registry = _load("cellsam_desktop.sam.registry").ModelRegistry()
    installed = [spec.name for spec in registry.specs() if registry.path(spec.name) is not None]
    return {"installed": installed, "folder": str(registry.models_dir)}


PROBES: dict[str, Callable[[], dict[str, Any]]] = {
    "qt": qt,
    "torch": torch,
    "onnxruntime": onnxruntime,
    "libraries": libraries,
    "models": models,
}


def run_probe(name: str) -> int:
    """Run one probe and print what it found as the last line of stdout, in JSON."""
    try:
        found = PROBES[name]()
    except Exception as error:  # noqa: BLE001 - whatever a broken package raises is the finding
        found = {"failed": f"{type(error).__name__}: {error}"}
    print("\n" + json.dumps(found), flush=True)
    os._exit(0)  # a broken library may also crash while it is unloaded


def has_display() -> bool:
    """Whether a window can be shown."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _load(name: str) -> Any:
    return importlib.import_module(name)
