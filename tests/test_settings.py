from __future__ import annotations

import json
import logging
from dataclasses import fields
from pathlib import Path

import pytest

from cellsam_desktop.core.errors import CellSamError
from cellsam_desktop.settings import MAX_RECENT, READERS, Settings, settings_file


def test_without_a_file_the_defaults_hold():
    assert Settings.load() == Settings()
    assert not settings_file().exists()


def test_what_is_saved_is_loaded():
    settings = Settings(
        model="vit_b",
        device="cuda",
        theme="dark",
        shortcuts={"accept": ["Return", "F"]},
        brush_radius=12.5,
        welcomed=True,
        window={"geometry": "AdnQywADAAAA"},
    )
    settings.remember(Path("movie.tif"))
    settings.save()
    assert Settings.load() == settings


def test_every_setting_is_checked_and_its_default_is_valid():
    defaults = Settings()
    assert {entry.name for entry in fields(Settings)} == set(READERS)
    for name, read in READERS.items():
        assert read(getattr(defaults, name)) == getattr(defaults, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 7),
        ("model", ""),
        ("device", "tpu"),
        ("theme", None),
        ("cache_limit_gb", "20"),
        ("cache_limit_gb", -1),
        ("cache_limit_gb", float("nan")),
        ("opacity", True),
        ("trail_frames", 2.5),
        ("play_fps", 0),
        ("welcomed", "yes"),
        ("shortcuts", {"accept": "F"}),
        ("shortcuts", ["accept"]),
        ("recent", "movie.tif"),
        ("window", {"geometry": 3}),
        ("no_such_setting", 1),
    ],
)
def test_only_the_invalid_setting_is_dropped(name: str, value: object, caplog: pytest.LogCaptureFixture):
    write({"brush_radius": 9, name: value})
    with caplog.at_level(logging.WARNING):
        assert Settings.load() == Settings(brush_radius=9.0)
    assert name in caplog.text


@pytest.mark.parametrize("text", ["{", "[1, 2]", "null", "\xff\xfe"])
def test_a_broken_file_is_set_aside_and_never_stops_the_program(text: str):
    write({})
    settings_file().write_bytes(text.encode("latin-1"))
    assert Settings.load() == Settings()
    Settings().save()
    aside = settings_file().with_suffix(".broken.json")
    assert aside.read_bytes() == text.encode("latin-1")


def test_an_unreadable_file_gives_the_defaults():
    settings_file().mkdir(parents=True)
    assert Settings.load() == Settings()


def test_saving_where_it_cannot_be_is_one_sentence(home: Path):
    (home / "config").write_text("a file where the folder should be")
    with pytest.raises(CellSamError, match=r"settings cannot be saved to .*settings\.json"):
        Settings().save()


def test_the_recent_list_is_short_unique_and_newest_first():
    settings = Settings()
    for number in range(MAX_RECENT + 5):
        settings.remember(Path(f"{number}.tif"))
    settings.remember(Path("10.tif"))
    assert len(settings.recent) == MAX_RECENT
    assert settings.recent[:2] == ["10.tif", "16.tif"]
    assert len(set(settings.recent)) == MAX_RECENT


def write(values: dict[str, object]) -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(json.dumps(values), encoding="utf-8")
