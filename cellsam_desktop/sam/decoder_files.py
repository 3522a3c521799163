"""Where exported decoders lie; free of torch, so that the window finds one without waiting for the worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellsam_desktop.sam.digests import digest

EXPORT_VERSION = 1


@dataclass(frozen=True)
class DecoderFiles:
    """A decoder's graph and what is known about it."""

    onnx: Path
    manifest: Path

    @property
    def complete(self) -> bool:
        """Whether both files are there."""
        return self.onnx.is_file() and self.manifest.is_file()


def decoder_files(checkpoint: Path, decoders_dir: Path) -> DecoderFiles:
    """Where the decoder of ``checkpoint`` belongs, exported or not; the folder is named by its digest.

    Raises:
        ModelError: the checkpoint cannot be read.
    """
    folder = decoders_dir / f"{digest(checkpoint)[:20]}-v{EXPORT_VERSION}"
    return DecoderFiles(folder / "decoder.onnx", folder / "manifest.json")


def decoder_path(checkpoint: Path, decoders_dir: Path) -> Path | None:
    """The exported decoder of ``checkpoint``, None if there is none yet.

    Raises:
        ModelError: the checkpoint cannot be read.
    """
    files = decoder_files(checkpoint, decoders_dir)
    return files.onnx if files.complete else None
