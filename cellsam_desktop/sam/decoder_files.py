"""Where exported decoders lie; free of torch, so that the window finds one without waiting for the worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellsam_desktop import installed
from cellsam_desktop.sam.digests import digest

EXPORT_VERSION = 5
WEIGHTS = "decoder.safetensors"
HINTED = "hinted_"  # begins the names of the hint graph's outputs, the image tensors of its inputs changed


@dataclass(frozen=True)
class DecoderFiles:
    """The graphs of one decoder and what is known about it, in a folder of their own."""

    folder: Path

    @property
    def onnx(self) -> Path:
        """The graph that is run for each click."""
        return self.folder / "decoder.onnx"

    @property
    def image(self) -> Path:
        """The graph that is run once per image."""
        return self.folder / "image.onnx"

    @property
    def hint(self) -> Path:
        """The graph that is run once per hint."""
        return self.folder / "hint.onnx"

    @property
    def manifest(self) -> Path:
        """What was exported, from what, and how well it agrees with PyTorch."""
        return self.folder / "manifest.json"

    @property
    def weights(self) -> Path:
        """The weights that the graphs of a trained decoder were made from; a model's own has none here."""
        return self.folder / WEIGHTS

    @property
    def trained(self) -> bool:
        """Whether this is a decoder that was trained here, not a model's own."""
        return self.weights.is_file()

    @property
    def complete(self) -> bool:
        """Whether all files are there."""
        return all(file.is_file() for file in (self.onnx, self.image, self.hint, self.manifest))


def decoder_files(checkpoint: Path, decoders_dir: Path) -> DecoderFiles:
    """Where the decoder of ``checkpoint`` belongs, exported or not; the folder is named by its digest.

    Raises:
        ModelError: the checkpoint cannot be read.
    """
    return DecoderFiles(decoders_dir / f"{digest(checkpoint)[:20]}-v{EXPORT_VERSION}")


def found_decoder(checkpoint: Path, decoders_dir: Path) -> DecoderFiles | None:
    """The exported decoder of ``checkpoint``, there or in an installed build; None if there is none yet.

    Raises:
        ModelError: the checkpoint cannot be read.
    """
    bundled = installed.bundled_dir()
    folders = [decoders_dir] if bundled is None else [decoders_dir, bundled / "decoders"]
    known = (decoder_files(checkpoint, folder) for folder in folders)
    return next((files for files in known if files.complete), None)


def decoder_path(checkpoint: Path, decoders_dir: Path) -> Path | None:
    """The graph of ``found_decoder``.

    Raises:
        ModelError: the checkpoint cannot be read.
    """
    files = found_decoder(checkpoint, decoders_dir)
    return None if files is None else files.onnx
