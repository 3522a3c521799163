"""One clear sentence for everything that goes wrong with an image file."""

from __future__ import annotations

from pathlib import Path

from cellsam_desktop.core.errors import ImageError

BIGGEST_PLANE = 16 * 2**30
"""Bytes of one decoded plane. A header that asks for more is damaged or hopeless."""


def unreadable(path: Path, cause: BaseException | None = None, what: str = "the file") -> ImageError:
    """The sentence for a file that cannot be read, with the remedy that fits the cause."""
    if isinstance(cause, FileNotFoundError):
        return ImageError(f"{path} does not exist; check the path, or whether its disk is connected.")
    if isinstance(cause, PermissionError):
        return ImageError(f"{path} may not be read; ask its owner for permission, or copy it where you may.")
    if isinstance(cause, IsADirectoryError):
        return ImageError(f"{path} is a folder where a file was expected; choose the file inside it.")
    if isinstance(cause, MemoryError):
        return ImageError(f"{path.name} does not fit into memory; save a smaller part of it and open that.")
    return damaged(path, f"{what} is damaged or incomplete")


def damaged(path: Path, finding: str) -> ImageError:
    """The sentence for damaged data."""
    return ImageError(f"{path.name} cannot be read because {finding}; copy it again from its source.")


def unsupported(path: Path, finding: str) -> ImageError:
    """The sentence for intact data in a form the program does not know."""
    return ImageError(
        f"{path.name} {finding}, which is not supported; open it in ImageJ/Fiji and save it as a plain TIFF."
    )


def check_plane_size(path: Path, height: int, width: int, bytes_per_pixel: int) -> None:
    """Raise ImageError for planes without pixels and for planes no memory can hold."""
    if height < 1 or width < 1:
        raise ImageError(f"{path.name} has no pixels ({height} x {width}); export it again from its source.")
    if height * width * bytes_per_pixel > BIGGEST_PLANE:
        raise ImageError(
            f"{path.name} claims planes of {height} x {width} pixels, more than memory can hold; "
            "if that is its true size save a smaller part of it, otherwise copy it again from its source."
        )
