import subprocess
import sys

TORCH_FREE = (
    "checkpoint_file", "checkpoint_names", "decoder", "decoder_files", "decoder_trial", "digests", "download",
    "encoder",
    "encoder_choice", "encoder_graph", "encoder_graph_tiny", "encoder_graph_vit", "encoder_graph_windows",
    "encoder_trial", "export", "fetch", "known_models", "onnx_encoder", "package_index", "placement",
    "postprocess",
    "prompt_arrays", "providers", "registry", "sessions", "steady_decoder", "transforms", "vit_shapes",
)  # fmt: skip


def test_the_window_may_import_these_without_torch():
    program = (
        "import importlib, sys\n"
        f"for name in {TORCH_FREE!r}: importlib.import_module('cellsam_desktop.sam.' + name)\n"
        "print(sorted({'torch', 'torchvision', 'timm', 'segment_anything', 'PySide6'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
