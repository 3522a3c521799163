"""What the scripts that build the program decide by themselves."""

from __future__ import annotations

import json
import os
import plistlib
import re
import shutil
import struct
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import PySide6
import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import bundle_check
import bundle_contents
import bundle_icu
import bundle_licences
import bundle_orphans
import bundle_sizes
import bundle_strip
import bundle_stubs
import bundle_system
import release_notes

needs_gcc = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("gcc", "nm", "readelf", "strip")),
    reason="gcc and binutils are missing",
)


@pytest.mark.skipif(sys.platform != "linux", reason="the tools are those of Linux")
def test_missing_tools_are_said_before_anything_is_built(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "bundle.py"), "--flavour", "lean"]
    answer = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "gcc, nm, readelf, strip is missing: sudo apt-get install -y binutils gcc" in answer.stderr


@pytest.mark.parametrize(
    ("file", "lean", "full"),
    [
        ("onnxruntime/capi/libonnxruntime_providers_cuda.so", False, True),
        ("onnxruntime/capi/libonnxruntime_providers_tensorrt.so", False, False),
        ("PySide6/Qt/translations/qtbase_de.qm", False, False),
        ("PySide6/Qt/lib/libQt6Widgets.so.6", True, True),
        ("PySide6\\Qt\\plugins\\tls\\qschannelbackend.dll", False, False),
        ("nvidia/cu13/lib/libcublas.so.13", False, True),
        ("nvidia/cu13/lib/libcusolver.so.12", False, False),
        ("torch/bin/torch_shm_manager", False, True),
        ("numpy/_core/include/numpy/ndarrayobject.h", False, False),
        ("numpy/_core/_multiarray_umath.so", True, True),
        ("bundled/models/mobile_sam.pt", True, True),
    ],
)
def test_what_goes_in(file: str, lean: bool, full: bool):
    assert bundle_contents.is_file_wanted(file, "lean") is lean
    assert bundle_contents.is_file_wanted(file, "full") is full


def test_the_lean_build_follows_no_import_of_pytorch():
    assert {"torch", "training"} <= set(bundle_contents.excluded_modules("lean"))
    assert not {"torch", "training"} & set(bundle_contents.excluded_modules("full"))


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("1.2.3", (1, 2, 3, 0)), ("0.1.1.dev12+gabc.d20261121", (0, 1, 1, 12)), ("2", (2, 0, 0, 0))],
)
def test_versions_as_windows_wants_them(version: str, numbers: tuple[int, ...]):
    assert bundle_contents.version_numbers(version) == numbers
    assert f"filevers={numbers}" in bundle_contents.version_text(version, "cellsam-desktop")


def test_what_macos_is_told():
    folder = ROOT / "packaging" / "macos"
    told = bundle_contents.info_plist(str(folder / "Info.plist"), "1.2.3.dev4")
    assert told["CFBundleShortVersionString"] == "1.2.3"
    kinds = [kind["LSItemContentTypes"] for kind in told["CFBundleDocumentTypes"]]
    assert ["org.cellsam.project"] in kinds
    assert plistlib.loads((folder / "entitlements.plist").read_bytes())


def test_sizes_by_part(tmp_path: Path):
    for name in (
        "_internal/numpy/a.so",
        "_internal/numpy.libs/b.so",
        "_internal/libz.so.1",
        "cellsam-desktop",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 10)
    (tmp_path / "_internal" / "link.so").symlink_to(tmp_path / "_internal" / "libz.so.1")
    sizes = bundle_sizes.shares(tmp_path)
    assert sizes["numpy"] == 20
    assert sum(sizes.values()) == 40
    limits = json.loads(bundle_sizes.LIMITS.read_text())
    assert {"lean", "full"} == set(limits["linux"])


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library with three functions, built with debugging symbols."""
    folder = tmp_path / "nvidia" / "nccl" / "lib"
    folder.mkdir(parents=True)
    source = tmp_path / "nccl.c"
    source.write_text(
        "int ncclSend(void) { return 0; }\nint ncclUnwanted(void) { return 0; }\n"
        'const char *ncclGetErrorString(void) { return "fine"; }\n'
    )
    made = folder / "libnccl.so.2"
    command = ["gcc", "-g", "-shared", "-fPIC", "-Wl,-soname,libnccl.so.2", "-o", str(made), str(source)]
    subprocess.run(command, check=True)
    return made


@needs_gcc
def test_stripping_keeps_what_can_be_loaded(library: Path, tmp_path: Path):
    before = library.stat().st_size
    assert bundle_strip.has_symbols(library.read_bytes())
    assert bundle_strip.strip_folder(tmp_path) == before - library.stat().st_size > 0
    subprocess.run(["strip", str(library)], check=True)
    assert not bundle_strip.has_symbols(library.read_bytes())
    assert not bundle_strip.has_symbols(b"no library")
    data = bytearray(library.read_bytes())
    assert bundle_strip.is_loadable(bytes(data))
    (start,) = struct.unpack_from("<Q", data, 32)
    struct.pack_into("<Q", data, start + 8, struct.unpack_from("<Q", data, start + 8)[0] + 1)
    assert not bundle_strip.is_loadable(bytes(data))
    assert not bundle_strip.is_loadable(b"no library")


@needs_gcc
def test_an_unused_library_is_replaced_by_one_that_refuses(library: Path, tmp_path: Path):
    user = tmp_path / "torch" / "lib" / "libuser.so"
    user.parent.mkdir(parents=True)
    source = tmp_path / "user.c"
    source.write_text(
        "extern int ncclSend(void);\nextern const char *ncclGetErrorString(void);\n"
        "int ask(void) { return ncclSend(); }\nconst char *why(void) { return ncclGetErrorString(); }\n"
    )
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(user), str(source), str(library)], check=True)
    bundle_stubs.replace_unused(tmp_path)
    code = (
        "import ctypes, sys, os\n"
        "stub = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)\n"
        "user = ctypes.CDLL(sys.argv[2], mode=os.RTLD_NOW)\n"
        "user.why.restype = ctypes.c_char_p\n"
        "print(user.ask(), user.why().decode(), hasattr(stub, 'ncclUnwanted'))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(library), str(user)], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "1 not part of this program False\n"


@needs_gcc
def test_libraries_without_users_go_with_those_they_used(library: Path, tmp_path: Path):
    """libused <- program.so; libfirst <- libsecond <- nobody."""
    source = tmp_path / "nccl.c"
    for name, uses in (("libused.so.1", ()), ("libfirst.so.1", ()), ("libsecond.so.1", ("libfirst.so.1",))):
        command = [
            "gcc",
            "-shared",
            "-fPIC",
            f"-Wl,-soname,{name},--no-as-needed",
            "-o",
            str(tmp_path / name),
        ]
        subprocess.run([*command, str(source), *(str(tmp_path / used) for used in uses)], check=True)
    program = tmp_path / "package" / "program.so"
    program.parent.mkdir()
    command = ["gcc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-o", str(program), str(source)]
    subprocess.run([*command, str(tmp_path / "libused.so.1")], check=True)
    assert bundle_orphans.remove_orphans(tmp_path) > 0
    assert sorted(file.name for file in tmp_path.glob("*.so*")) == ["libused.so.1"]
    assert program.exists()
    assert library.exists()


@needs_gcc
@pytest.mark.skipif(sys.platform != "linux", reason="Qt brings ICU on Linux only")
def test_names_sort_alike_with_less_of_icu(tmp_path: Path):
    (whole,) = (Path(PySide6.__file__).parent / "Qt" / "lib").glob("libicudata.so.*")
    shutil.copy(whole, tmp_path)
    assert bundle_icu.reduce_icu(tmp_path) > 20e6
    code = (
        "from PySide6.QtCore import QCollator, QLocale\n"
        "words = ['zebra', 'äpfel', 'Apfel', 'öl', 'b10', 'b9', 'Zorn', '中', '一', 'ж']\n"
        "for language in ('de_DE', 'sv_SE', 'zh_CN', 'ru_RU'):\n"
        "    order = QCollator(QLocale(language))\n"
        "    order.setNumericMode(True)\n"
        "    print(language, sorted(words, key=order.sortKey), QLocale(language).toUpper('straße'))\n"
        "print(len({line.split()[-1] for line in open('/proc/self/maps') if 'libicudata' in line}))\n"
    )
    command = [sys.executable, "-c", code]
    small = {**os.environ, "LD_PRELOAD": str(tmp_path / whole.name)}
    answers = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for environment in (os.environ, small)
    ]
    assert answers[0] == answers[1]
    assert answers[0].endswith("\n1\n")


def test_every_package_inside_has_its_licence():
    """By a text of its own, or named among those that bring none."""
    about = (bundle_licences.TEXTS / "ABOUT.txt").read_text(encoding="utf-8")
    named = {word for line in re.findall(r"^(\w.*?)   ", about, re.MULTILINE) for word in line.split(", ")}
    inside = bundle_licences.packages_inside(set())
    if sys.platform == "linux":
        assert {"nvidia-cusparse", "nvidia-cudnn-cu13"} <= inside  # needed by an optional part of another
    without = {
        name
        for name in inside
        if not any(bundle_licences.is_licence(file.name) for file in metadata.distribution(name).files or ())
    }
    assert without <= named
    for text in re.findall(r"[\w.-]+\.txt", about.partition("text of their own")[2]):
        assert (bundle_licences.TEXTS / text).is_file()


def test_no_licence_text_of_a_package_is_lost():
    """NumPy brings a score of them, most of the same name."""
    numpy = metadata.distribution("numpy")
    names = [file.as_posix() for file in numpy.files or () if bundle_licences.is_licence(file.name)]
    assert len({Path(name).name for name in names}) < len(names)
    text = bundle_licences.licences_of(numpy)
    assert sorted(re.findall(r"^=== (.*)$", text, re.MULTILINE)) == sorted(names)
    assert all(numpy.locate_file(name).read_text("utf-8").strip() in text for name in names)


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="only Debian's packages are known")
def test_libraries_of_the_system_bring_their_terms(tmp_path: Path):
    (tmp_path / "bundled" / "licences").mkdir(parents=True)
    for name in ("libgcc_s.so.1", "libof_a_wheel-54610454.so.1"):
        (tmp_path / name).touch()
    assert bundle_system.add_system_licences(tmp_path) == 1
    (terms,) = (tmp_path / "bundled" / "licences").glob("system-*.txt")
    assert "GCC RUNTIME LIBRARY EXCEPTION" in terms.read_text(encoding="utf-8")
    assert (tmp_path / "bundled" / "licences" / "common-GPL-3.txt").is_file()


def test_what_was_tested_is_known_by_its_content(tmp_path: Path):
    (tmp_path / "build.spec").write_text("one")
    (tmp_path / "tests" / "bundle").mkdir(parents=True)
    test = tmp_path / "tests" / "bundle" / "test_it.py"
    test.write_text("two")
    before = bundle_check.sums_of_parts(tmp_path)
    (tmp_path / "README.md").write_text("no part of it")
    assert bundle_check.changes(before, bundle_check.sums_of_parts(tmp_path)) == []
    assert bundle_check.changes("", before) == ["build.spec", "tests/bundle/test_it.py"]
    (tmp_path / "build.spec").write_text("another")
    test.unlink()
    (tmp_path / "constraints.txt").write_text("new")
    now = bundle_check.sums_of_parts(tmp_path)
    assert bundle_check.changes(before, now) == ["build.spec", "constraints.txt", "tests/bundle/test_it.py"]


def test_the_full_build_is_not_begun_without_time_or_room():
    enough_s, enough_gb = bundle_check.FULL_TAKES_S + 60, bundle_check.FULL_TAKES_GB + 1
    assert bundle_check.refusal(None, enough_gb) is None
    assert bundle_check.refusal(time.time() + enough_s, enough_gb) is None
    assert "and 5 are left" in str(bundle_check.refusal(time.time() + 300, enough_gb))
    assert "and 0 are left" in str(bundle_check.refusal(time.time() - 300, enough_gb))
    assert "and 2 are free" in str(bundle_check.refusal(None, 2.0))


def test_the_archive_is_left_out_when_the_time_is_over(monkeypatch, capfd):
    monkeypatch.setattr(bundle_check, "made", lambda *_: pytest.fail("it was begun"))
    assert bundle_check.pack(time.time() + 30) == 0
    assert "THE LEAN BUILD WAS NOT PACKED" in capfd.readouterr().out


def test_an_archive_that_is_too_large_is_not_well(monkeypatch, capfd):
    monkeypatch.setattr(bundle_check, "made", lambda *_: 1)
    assert bundle_check.pack(time.time() + 3600) == 1
    assert bundle_check.pack(None) == 1
    monkeypatch.setattr(bundle_check, "made", lambda *_: None)  # ended on the way
    assert bundle_check.pack(time.time() + 3600) == 0
    assert "WAS NOT PACKED" in capfd.readouterr().out


def test_the_notes_of_a_release():
    text = "# What changed\n\n## 1.10.0 (2027)\n\n- Newer.\n\n## 1.1 (2026)\n\n- Old.\n"
    assert release_notes.section(text, "1.10.0") == "- Newer."
    assert release_notes.section(text, "1.1") == "- Old."
    assert release_notes.section(text, "1.2") == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the scripts are for Linux")
@pytest.mark.parametrize("name", ["linux/install.sh", "linux/uninstall.sh", "macos/package.sh"])
def test_scripts_are_valid_and_may_be_run(name: str):
    file = ROOT / "packaging" / name
    assert file.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(file)], check=True)
