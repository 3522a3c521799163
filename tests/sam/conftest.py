"""The real model, its exported decoder, the reference implementation, and a web server on this computer."""

from __future__ import annotations

import http.server
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.decoder_files import DecoderFiles


@pytest.fixture(scope="session")
def encoder(weights: Path):
    from cellsam_desktop.sam.torch_encoder import TorchEncoder

    return TorchEncoder(weights, "vit_t", "cpu")


@pytest.fixture(scope="session")
def exported(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> DecoderFiles:
    from cellsam_desktop.sam.export import ensure_decoder

    return ensure_decoder(weights, "vit_t", tmp_path_factory.mktemp("decoders"))


@pytest.fixture(scope="session")
def decoder(exported: DecoderFiles) -> OnnxDecoder:
    return OnnxDecoder(exported.onnx)


@pytest.fixture(scope="session")
def reference(weights: Path) -> Any:
    """MobileSAM's own predictor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it registers its models in timm once more
        import mobile_sam

        model = mobile_sam.sam_model_registry["vit_t"](checkpoint=str(weights))
    return mobile_sam.SamPredictor(model.eval())


def nuclei_like(height: int, width: int) -> np.ndarray:
    """An RGB image of bright discs on dark ground."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(height * width)
    image = rng.normal(20, 4, (height, width))
    for _ in range(12):
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        radius = rng.uniform(0.05, 0.12) * min(height, width)
        image += 150 * np.clip((radius - np.hypot(y - cy, x - cx)) / 4 + 0.5, 0, 1)
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def as_uint8(image: np.ndarray) -> np.ndarray:
    """A plane stretched from its minimum to its maximum, as RGB."""
    low, high = float(image.min()), float(image.max())
    grey = ((image - low) / (high - low) * 255).astype(np.uint8)
    return grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2)


@pytest.fixture(scope="session", params=["nuclei", "bacteria", "small", "wide"])
def photo(request: pytest.FixtureRequest) -> np.ndarray:
    """Images smaller and larger than 1024, wide and high; real ones where they are at hand."""
    if request.param == "small":
        return nuclei_like(200, 160)
    if request.param == "wide":
        return nuclei_like(300, 1500)
    folder = request.getfixturevalue("shared_data")
    if request.param == "nuclei":
        return as_uint8(tifffile.imread(sorted((folder / "nuclei_bbbc039" / "images").iterdir())[3]))
    return as_uint8(tifffile.imread(folder / "movie_bacteria" / "movie.tif", key=12))


@pytest.fixture(scope="session")
def embedding(encoder, photo: np.ndarray) -> np.ndarray:
    """What our encoder makes of the photo."""
    return encoder.encode(photo)


@pytest.fixture(scope="session")
def shown(reference: Any, photo: np.ndarray) -> Any:
    """MobileSAM's predictor with the photo encoded."""
    reference.set_image(photo)
    return reference


class FileServer(http.server.ThreadingHTTPServer):
    """Serves ``content`` at every path; the other attributes say how badly."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.ranges = True
        self.cut_after: list[int] = []  # for each answer in turn, close the connection after so many bytes
        self.status = 200
        self.states_length = True
        self.asked: list[str | None] = []  # the Range header of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.pt"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and server.ranges else 0
        if start >= len(server.content) and start:
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if server.states_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut_after.pop(0)] if server.cut_after else body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def serve() -> Iterator[Callable[[bytes], FileServer]]:
    """Start web servers on this computer that serve the given bytes."""
    with ExitStack() as stack:

        def start(content: bytes) -> FileServer:
            server = FileServer(content)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return server

        yield start
