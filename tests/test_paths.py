from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from cellsam_desktop import logs, paths


def test_home_moves_everything(home: Path):
    assert paths.data_dir() == home / "data"
    assert paths.cache_dir() == home / "cache"
    assert paths.config_dir() == home / "config"
    assert paths.log_dir() == home / "logs"
    assert paths.documents_dir() == home / "documents"


def test_without_home_the_folders_are_the_platforms_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CELLSAM_HOME")
    for folder in (paths.data_dir(), paths.cache_dir(), paths.config_dir(), paths.log_dir()):
        assert folder.is_absolute()
        assert "cellsam-desktop" in folder.parts
    assert paths.documents_dir().name == "CellSAM"


def test_working_folders_are_made_on_demand(home: Path):
    for folder in (paths.models_dir(), paths.embeddings_dir(), paths.decoders_dir()):
        assert folder.is_dir()
        assert home in folder.parents


def test_program_command_of_the_source_tree_and_of_an_executable(monkeypatch: pytest.MonkeyPatch):
    assert paths.program_command() == [sys.executable, "-m", "cellsam_desktop"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert paths.program_command() == [sys.executable]


def test_atomic_write_replaces_the_file(tmp_path: Path):
    file = tmp_path / "settings.json"
    file.write_text("old")
    paths.atomic_write_text(file, "new µm\n")
    assert file.read_text(encoding="utf-8") == "new µm\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    file = tmp_path / "labels.tif"
    file.write_bytes(b"old")

    def write_half() -> None:
        with paths.atomic_path(file) as temporary:
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".tif"
            temporary.write_bytes(b"half")
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_half()
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_writing_into_a_missing_folder_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        paths.atomic_write_bytes(tmp_path / "missing" / "file", b"data")


@pytest.mark.usefixtures("quiet_root")
def test_records_go_to_the_log_file_of_their_role():
    logs.configure(role="encoder-worker")
    logging.getLogger("cellsam_desktop.test").info("encoded frame 3")
    assert "encoded frame 3" in logs.log_file("encoder-worker").read_text(encoding="utf-8")


@pytest.mark.usefixtures("quiet_root")
def test_configuring_twice_writes_each_record_once():
    logs.configure()
    logs.configure()
    logging.getLogger("cellsam_desktop.test").info("once")
    assert logs.log_file().read_text(encoding="utf-8").count("once") == 1


@pytest.mark.usefixtures("quiet_root")
def test_without_a_writable_folder_logging_still_works(home: Path, capsys: pytest.CaptureFixture[str]):
    (home / "logs").write_text("a file where the folder should be")
    logs.configure()
    logging.getLogger("cellsam_desktop.test").warning("still heard")
    err = capsys.readouterr().err
    assert "No log file is written" in err
    assert "still heard" in err
