"""The verbs of the built program that need no screen."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellsam_desktop.images.sample import SampleMovie
from tests.bundle.program import Program, built_version
from tests.conftest import ROOT, SHARED_DATA

sys.path.insert(0, str(ROOT / "scripts"))
import bundle_contents

_LARGE_BYTES = 5_000_000


def test_it_knows_its_version(program: Program, bundle: Path):
    answer = program.run("--version")
    assert (answer.returncode, answer.stdout) == (0, f"cellsam-desktop {built_version(bundle)}\n")


def test_it_is_shut_in(program: Program, walls: list[str]):
    """The other tests say little if the program could reach the network or change itself."""
    answer = program.run("models", "fetch", "vit_b")
    assert answer.returncode == 2
    assert "check the network, or get sam_vit_b_01ec64.pth" in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert "pip" not in answer.stderr
    if walls:
        script = ["/bin/sh", "-c", ': > "$1/x"', "sh", str(program.executable.parent)]
        refused = subprocess.run([*walls, *script], capture_output=True, text=True, check=False)
        assert "Read-only file system" in refused.stderr


def test_the_doctor_finds_all_that_is_needed(program: Program, flavour: str):
    answer = program.run("doctor", "--json")
    report = json.loads(answer.stdout)
    checks = {check["name"]: check for check in report["checks"]}
    assert (answer.returncode, report["ready"], report["build"]) == (0, True, flavour), answer.stdout
    assert [name for name, check in checks.items() if check["status"] == "missing"] == []
    assert "vit_t" in checks["Models"]["text"]
    assert "CPU" in checks["ONNX Runtime"]["text"]
    said = "not part of the lean build" if flavour == "lean" else "with torchvision"
    assert said in checks["torch"]["text"]
    assert str(program.executable) in checks["Python"]["text"]


def test_the_demo(program: Program, tmp_path: Path):
    answer = program.run("demo", "--headless", "--out", tmp_path / "demo")
    assert answer.returncode == 0, answer.stderr
    iou = re.search(r"mean IoU with the truth ([\d.]+)", answer.stdout)
    assert iou is not None
    assert float(iou[1]) > 0.85
    assert tifffile.imread(tmp_path / "demo" / "labels.tif").max() == 2  # all cells of its first frame
    decoders = program.home / ".cache" / "cellsam-desktop" / "decoders"
    assert not decoders.is_dir() or list(decoders.iterdir()) == []  # the one inside serves


@pytest.mark.parametrize("kind", ["own", "real"])
def test_segment_gives_the_labels_of_the_sources(
    program: Program, kind: str, bundle: Path, home_with_weights: Path, tmp_path: Path
):
    image, prompts = _case(kind, bundle, tmp_path)
    words = ["segment", image, "--prompts", prompts, "--out"]
    answer = program.run(*words, tmp_path / "bundle.tif")
    assert answer.returncode == 0, answer.stderr
    source = [sys.executable, "-m", "cellsam_desktop", *map(str, words), str(tmp_path / "source.tif")]
    subprocess.run(source, check=True, env=os.environ | {"CELLSAM_HOME": str(home_with_weights)})
    ours, theirs = (tifffile.imread(tmp_path / f"{side}.tif") for side in ("bundle", "source"))
    assert theirs.max() >= 2
    np.testing.assert_array_equal(ours, theirs)


def _case(kind: str, bundle: Path, tmp_path: Path) -> tuple[Path, Path]:
    """An image and a click in each of some of its cells."""
    if kind == "own":
        sample = SampleMovie.in_folder(bundle / "_internal" / "bundled" / "sample")
        return sample.movie, sample.prompts
    folder = SHARED_DATA / "nuclei_bbbc039"
    if not folder.is_dir():
        pytest.skip(f"the real images are not in {SHARED_DATA}")
    image = sorted((folder / "images").iterdir())[0]
    truth = tifffile.imread(folder / "labels" / image.name)
    prompts = []
    for number in np.unique(truth)[1:9]:
        rows, columns = np.nonzero(truth == number)
        middle = len(rows) // 2
        point = {"x": int(columns[middle]), "y": int(rows[middle]), "label": 1}
        prompts.append({"id": int(number), "points": [point]})
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps(prompts))
    return image, file


def test_what_is_not_inside_is_one_sentence(program: Program, tmp_path: Path):
    (tmp_path / "tracks").mkdir()
    words = ["--gt", tmp_path / "tracks", "--res", tmp_path / "tracks", "--json", tmp_path / "out.json"]
    answer = program.run("score", *words)
    assert answer.returncode == 2
    assert "py-ctcmetrics, which is not part of this installation" in answer.stderr
    assert "pip install" not in answer.stderr


def test_licences_of_everything_are_inside(bundle: Path, flavour: str):
    folder = bundle / "_internal" / "bundled" / "licences"
    packages = (folder / "PACKAGES.txt").read_text(encoding="utf-8")
    for name in ("numpy", "onnxruntime", "PySide6", "scipy", "tifffile"):
        assert re.search(rf"^{name}", packages, re.MULTILINE | re.IGNORECASE), name
    texts = {file.name for file in folder.iterdir()}
    assert len(texts) > 30
    assert {"ABOUT.txt", "LGPL-3.0.txt", "GPL-3.0.txt", "cellsam-desktop.txt"} <= texts
    if sys.platform == "linux" and flavour == "full":
        assert {"nvidia-cudnn-cu13.txt", "nvidia-cusparse.txt"} <= texts
    if shutil.which("dpkg-query") is not None:
        assert any(name.startswith("system-libxcb") for name in texts)
    assert (bundle / "_internal" / "LICENSE").is_file()


def test_nothing_unneeded_is_inside(bundle: Path, flavour: str):
    """What was to be left out is not there, and no large library twice."""
    inside = bundle / "_internal"
    files = [file for file in inside.rglob("*") if file.is_file() and not file.is_symlink()]
    names = [file.relative_to(inside).as_posix() for file in files]
    assert [name for name in names if not bundle_contents.is_file_wanted(name, flavour)] == []
    of_size = defaultdict(list)
    for file in files:
        if file.stat().st_size > _LARGE_BYTES:
            of_size[file.stat().st_size].append(file)
    alike = [file for group in of_size.values() if len(group) > 1 for file in group]
    sums = Counter(hashlib.sha256(file.read_bytes()).digest() for file in alike)
    assert [number for number in sums.values() if number > 1] == []
