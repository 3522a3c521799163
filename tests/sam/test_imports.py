import subprocess
import sys

TORCH_FREE = (
    "decoder", "decoder_files", "digests", "download", "encoder", "fetch", "known_models", "package_index",
    "placement", "postprocess", "prompt_arrays", "providers", "registry", "sessions",
    "transforms",
)  # fmt: skip


def test_the_window_may_import_these_without_torch():
    program = (
        "import importlib, sys\n"
        f"for name in {TORCH_FREE!r}: importlib.import_module('cellsam_desktop.sam.' + name)\n"
        "print(sorted({'torch', 'torchvision', 'timm', 'segment_anything', 'PySide6'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
