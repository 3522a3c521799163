"""Installers and the release name only what the build makes: looked at without building, on any system."""

from __future__ import annotations

import json
import plistlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from cellsam_desktop.cli import VERBS
from tests.conftest import ROOT

PACKAGING = ROOT / "packaging"
SPEC = (ROOT / "build.spec").read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = yaml.safe_load(
    (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
)
PROGRAMS = re.findall(r'program\("([^"]+)"', SPEC)
MIME = "application/x-cellsam"


def inno_setup(flavour: str) -> str:
    """The script for Windows, with the names that it defines put in for a flavour."""
    text = (PACKAGING / "windows" / "installer.iss").read_text(encoding="utf-8")
    defined = dict(re.findall(r'^#define (Name|Program) "(.*)"$', text, re.MULTILINE))
    source = re.search(r'^#define Source "(.*)" \+ Flavour \+ "(.*)"$', text, re.MULTILINE)
    assert source is not None
    defined |= {"Version": "1.2.3", "Flavour": flavour, "Source": flavour.join(source.groups())}
    for name, value in defined.items():
        text = text.replace(f"{{#{name}}}", value)
    return text


def below(folder: Path, windows_path: str) -> str:
    """A path of the script for Windows, seen from the project's folder."""
    return (folder / windows_path.replace("\\", "/")).resolve().relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the icons that a build makes."""
    folder = tmp_path_factory.mktemp("icons")
    code = "import sys, pathlib, bundle_parts; bundle_parts.write_icons(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT / "scripts", check=True)
    return {file.name for file in folder.iterdir()}


@pytest.mark.parametrize("flavour", ["lean", "full"])
def test_windows_takes_what_is_built(flavour: str, icons: set[str]):
    text, folder = inno_setup(flavour), PACKAGING / "windows"
    sources = re.findall(r'^Source: "(.*?)"', text, re.MULTILINE)
    assert [below(folder, source) for source in sources] == [f"dist/{flavour}/cellsam-desktop/*", "LICENSE"]
    icon = re.search(r"^SetupIconFile=(.*)$", text, re.MULTILINE)
    assert icon is not None
    place, _, name = below(folder, icon[1]).rpartition("/")
    assert (place, name in icons) == (f"build/{flavour}/staged/icons", True)
    started = set(re.findall(r"\{app\}\\([^\"]+\.exe)", text))
    assert set() < started <= {f"{program}.exe" for program in PROGRAMS}
    assert f"\nOutputBaseFilename=cellsam-desktop-1.2.3-{flavour}-windows-x86_64\n" in text
    spanning = re.search(r'^DiskSpanning=\{#Flavour == "(\w+)" \? "yes" : "no"\}$', text, re.MULTILINE)
    assert spanning is not None
    assert spanning[1] == "full"


def test_files_open_with_a_verb_of_the_program():
    text = inno_setup("lean")
    command = re.search(r'shell\\open\\command".*ValueData: "(.*?)"; Tasks', text)
    assert command is not None
    program, verb, file = re.findall(r'""[^"]+""|\w+', command[1])
    assert program == f'""{{app}}\\{PROGRAMS[1]}.exe""'
    assert (verb in VERBS, file) == (True, '""%1""')
    assert {"demo"} == set(re.findall(r'Parameters: "(\w+)"', text)) <= set(VERBS)
    entry = (PACKAGING / "linux" / "cellsam-desktop.desktop").read_text(encoding="utf-8")
    assert set(re.findall(r"^Exec=@PROGRAM@ (\w+) %f$", entry, re.MULTILINE)) == {"gui"} <= set(VERBS)


def test_the_three_systems_know_one_file_type():
    told = plistlib.loads((PACKAGING / "macos" / "Info.plist").read_bytes())
    (declared,) = told["UTExportedTypeDeclarations"]
    opened = [kind["LSItemContentTypes"] for kind in told["CFBundleDocumentTypes"]]
    assert [declared["UTTypeIdentifier"]] in opened
    tags = declared["UTTypeTagSpecification"]
    assert tags == {"public.filename-extension": ["cellsam"], "public.mime-type": [MIME]}
    mime = ElementTree.parse(PACKAGING / "linux" / "cellsam-desktop.xml")
    assert [node.get("type") for node in mime.iter() if node.tag.endswith("mime-type")] == [MIME]
    assert f"MimeType={MIME};" in (PACKAGING / "linux" / "cellsam-desktop.desktop").read_text(
        encoding="utf-8"
    )
    assert r'"Software\Classes\.cellsam"' in inno_setup("lean")


def test_macos_shows_the_program_and_signs_what_is_built(icons: set[str]):
    told = plistlib.loads((PACKAGING / "macos" / "Info.plist").read_bytes())
    assert told["LSBackgroundOnly"] is False  # PyInstaller says True of a program with a console
    assert f"macos-{told['LSMinimumSystemVersion'].partition('.')[0]}" in runners()
    script = (PACKAGING / "macos" / "package.sh").read_text(encoding="utf-8")
    app = re.search(r'BUNDLE\(\s*folder,\s*name="([^"]+)"', SPEC)
    assert app is not None
    assert f'app="dist/$flavour/{app[1]}"' in script
    assert 'image="dist/cellsam-desktop-$version-$flavour-macos-$(uname -m).dmg"' in script
    named = set(re.findall(r"packaging/[\w./]+[.]\w+", script + SPEC))
    assert "packaging/macos/entitlements.plist" in named
    assert [file for file in named if not (ROOT / file).is_file()] == []
    assert "cellsam-desktop.icns" in icons


def test_linux_installs_icons_that_are_made(icons: set[str]):
    script = (PACKAGING / "linux" / "install.sh").read_text(encoding="utf-8")
    sizes = re.search(r"^for size in ([\d ]+); do$", script, re.MULTILINE)
    assert sizes is not None
    assert {f"{size}.png" for size in sizes[1].split()} | {"cellsam-desktop.svg"} <= icons


def runners() -> list[str]:
    """The systems that a release is built on."""
    named: list[str] = WORKFLOW["jobs"]["build"]["strategy"]["matrix"]["runner"]
    return named


def test_a_release_builds_both_flavours_on_three_systems():
    limits = json.loads((PACKAGING / "limits.json").read_text(encoding="utf-8"))
    flavours = WORKFLOW["jobs"]["build"]["strategy"]["matrix"]["flavour"]
    assert all(set(flavours) == set(of_system) for of_system in limits.values())
    assert {runner.partition("-")[0] for runner in runners()} == {"ubuntu", "windows", "macos"}
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    commands = "\n".join(step.get("run", "") for step in steps).replace("\\", "/")
    named = set(re.findall(r"(?<![\w$/])(?:scripts|packaging)/[\w./]+", commands))
    assert {"scripts/bundle.py", "packaging/macos/package.sh", "packaging/windows/installer.iss"} <= named
    assert [file for file in named if not (ROOT / file).is_file()] == []
    tested = [step["env"] for step in steps if "tests/bundle" in step.get("run", "")]
    assert len(tested) == 2
    assert {env["CELLSAM_BUNDLE"] for env in tested} == {"dist/${{ matrix.flavour }}/cellsam-desktop"}


def test_a_release_takes_what_was_uploaded():
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    uploaded = [step["with"] for step in steps if "upload-artifact" in step.get("uses", "")]
    (fetched,) = [step["with"] for step in steps if "download-artifact" in step.get("uses", "")]
    assert fetched["pattern"] == "*-{Linux,Windows,macOS}"
    assert {"name": "${{ matrix.flavour }}-${{ runner.os }}", "path": "dist/cellsam-desktop-*"}.items() <= (
        uploaded[-1].items()
    )
    assert not uploaded[0]["name"].endswith("runner.os }}")  # pictures are no part of a release


def test_limits_are_those_that_were_promised():
    linux = json.loads((PACKAGING / "limits.json").read_text(encoding="utf-8"))["linux"]
    assert linux["full"]["folder"] <= 3600
    assert linux["lean"]["folder"] <= 480
    assert linux["lean"]["archive"] <= 140


@pytest.mark.parametrize("file", ["README.md", "docs/install.md"])
def test_users_are_told_the_names_of_the_files(file: str):
    text = (ROOT / file).read_text(encoding="utf-8")
    for end in ("linux-x86_64.tar.xz", "windows-x86_64.exe", "macos-arm64.dmg"):
        assert f"cellsam-desktop-VERSION-lean-{end}" in text
    assert "sha256sum --check --ignore-missing SHA256SUMS" in text
    assert "Get-FileHash" in text
