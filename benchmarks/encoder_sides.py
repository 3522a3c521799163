"""The two image encoders that ``benchmarks.encoder`` compares, and one of them alone in a process.

    python -m benchmarks.encoder_sides ours|reference MODEL CHECKPOINT DEVICE THREADS

encodes an image and prints one line of JSON: the peak memory of the process in MB, and when the embedding was
there, in seconds since 1970.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Reference:
    """The official predictor: MobileSAM's for vit_t, segment-anything's for the others."""

    def __init__(self, model: str, checkpoint: Path, device: str, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MobileSAM registers its models in timm once more
            if model == "vit_t":
                import mobile_sam as package
            else:
                import segment_anything as package
        built = package.sam_model_registry[model](checkpoint=str(checkpoint)).eval().to(device)
        self._predictor: Any = package.SamPredictor(built)

    def encode(self, image: Image) -> NDArray[np.float32]:
        """The embedding (256, 64, 64), brought back from the device as ours is."""
        self._predictor.set_image(image)
        embedding: NDArray[np.float32] = self._predictor.features[0].cpu().numpy()
        return embedding

    def masks(self, embedding: NDArray[np.float32], point: tuple[float, float]) -> NDArray[np.bool_]:
        """Three masks (3, height, width) of a click on the image encoded last, from an embedding of it."""
        import torch

        self._predictor.features = torch.from_numpy(embedding)[None].to(self._predictor.device)
        found: NDArray[np.bool_] = self._predictor.predict(np.array([point]), np.ones(1, dtype=int))[0]
        return found


def random_weights(model: str, folder: Path) -> Path:
    """A checkpoint of an official model with random numbers, relative positions included."""
    import segment_anything
    import torch

    torch.manual_seed(0)
    built = segment_anything.sam_model_registry[model]()
    for name, values in built.named_parameters():
        if "rel_pos" in name or "pos_embed" in name:
            torch.nn.init.normal_(values, std=0.02)
    file = folder / f"random_{model}.pth"
    torch.save(built.state_dict(), file)
    return file


def alone(side: str, model: str, checkpoint: Path, device: str, threads: int) -> dict[str, float]:
    """What one side needs in a process of its own: ``peak_mb``, and ``first_s`` to the first embedding."""
    words = [side, model, str(checkpoint), device, str(threads)]
    command = [sys.executable, "-m", "benchmarks.encoder_sides", *words]
    started = time.time()
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout.strip().rpartition("\n")[2])
    return {"peak_mb": found["peak_mb"], "first_s": round(found["first"] - started, 2)}


def main(side: str, model: str, checkpoint: str, device: str, threads: str) -> None:
    """Encode an image and print the figures."""
    image = np.random.default_rng(0).integers(0, 256, (768, 1024, 3), dtype=np.uint8)
    _opened(side, model, Path(checkpoint), device, int(threads)).encode(image)
    print(json.dumps({"peak_mb": round(_peak_bytes() / 1e6), "first": time.time()}))


def _peak_bytes() -> int:
    """Of this process; Linux's own figure would count that of the parent, which it was forked from."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _opened(side: str, model: str, checkpoint: Path, device: str, threads: int) -> Any:
    if side == "reference":
        return Reference(model, checkpoint, device, threads)
    from cellsam_desktop.sam.encoder import open_encoder

    return open_encoder(checkpoint, model, device, threads)


if __name__ == "__main__":
    main(*sys.argv[1:])
