"""The sample movie in a folder of the user's: copied from an installed build, or made."""

from __future__ import annotations

import shutil
from pathlib import Path

from cellsam_desktop import installed
from cellsam_desktop.core.errors import ImageError
from cellsam_desktop.core.progress import Report
from cellsam_desktop.images.sample.writing import SampleMovie, write_sample


def provide_sample(folder: Path, *, progress: Report | None = None) -> SampleMovie:
    """Put the sample into ``folder``; what an installed build brings is what ``write_sample`` makes.

    ``progress`` hears the share done, 0..1. Raises ImageError if the folder cannot be written.
    """
    bundled = installed.bundled_dir()
    if bundled is None:
        return write_sample(folder, progress=progress)
    sample, source = SampleMovie.in_folder(folder), SampleMovie.in_folder(bundled / "sample")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in vars(source).items():
            shutil.copyfile(file, getattr(sample, name))
    except OSError as error:
        raise ImageError(
            f"The sample movie cannot be written to {folder} ({error.strerror}); choose another folder."
        ) from error
    return sample
