"""One process at a time works on a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.commands import Commands
from training.config import PRESETS
from training.request import Request, new_record
from training.run import Run
from training.run_folder import RunError, RunFolder


def test_a_run_that_is_under_way_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    folder.write(new_record(folder, Request((tmp_path,), "vit_t", PRESETS["curator"], device="cpu")))
    written = folder.record.read_bytes()
    with pytest.raises(RunError, match="still under way"):
        Run.resume(RunFolder(folder.path), lambda _: None, Commands())
    assert folder.record.read_bytes() == written
    folder.release()
    again = RunFolder(folder.path)
    Run.resume(again, lambda _: None, Commands())
    again.release()


def test_a_title_is_one_that_a_decoder_can_have(tmp_path: Path) -> None:
    asked = Request((tmp_path,), "vit_t", PRESETS["curator"], title="x" * 100)
    assert new_record(RunFolder(tmp_path), asked).title == "x" * 80
