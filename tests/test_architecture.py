"""The house stays as it was planned: who imports whom, what a process loads, how long things are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1].split(","):
    module = importlib.import_module(name)
    for entry in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        if not entry.name.endswith("__main__"):
            importlib.import_module(entry.name)
print([name for name in sys.argv[2].split(",") if name in sys.modules])
"""


def sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


EVERY_FILE = sources("cellsam_desktop", "training", "tests", "benchmarks", "scripts")


def test_import_contracts_hold():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    answer = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("packages", "forbidden"),
    [
        ("cellsam_desktop.cli", "PySide6,torch,onnxruntime,numpy"),
        ("cellsam_desktop.curation", "PySide6,pyqtgraph,torch"),
        ("cellsam_desktop.doctor", "PySide6,torch,onnxruntime"),
        ("training", "PySide6,pyqtgraph"),
        ("cellsam_desktop.core", "PySide6,torch,onnxruntime,tifffile"),
        ("cellsam_desktop.app,cellsam_desktop.ui", "torch,torchvision,timm,segment_anything,training"),
    ],
)
def test_importing_leaves_out(packages: str, forbidden: str):
    command = [sys.executable, "-c", IMPORT_ALL, packages, forbidden]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("file", EVERY_FILE, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_is_too_long(file: Path):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    too_long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert not too_long


def test_every_imported_package_is_declared():
    """Another package's dependency may vanish with its next release."""
    project = _project()
    declared = set(_names([*project["dependencies"], *project["optional-dependencies"]["score"]]))
    declared.add("shiboken6")  # a part of PySide6
    ours = {"cellsam_desktop", "training", *sys.stdlib_module_names}
    providers = packages_distributions()
    undeclared = {
        f"{file.relative_to(ROOT)}: {module}"
        for file in sources("cellsam_desktop", "training")
        for module in set(_imported(file)) - ours
        if declared.isdisjoint(_names(providers.get(module, [])))
    }
    assert not undeclared


def test_constraints_pin_every_dependency():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = set(_names(line for line in lines if not line.startswith("#")))
    extras = _project()["optional-dependencies"].values()
    assert set(_names([*_project()["dependencies"], *chain.from_iterable(extras)])) <= pinned


def test_no_onnx_runtime_older_than_the_tested_one_serves_a_graphics_card():
    """Which operators have CUDA kernels changes from one to the next, and no test without a card shows it."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    [pinned] = [line.split(" ")[0] for line in lines if line.startswith("onnxruntime-gpu")]
    assert f"{pinned.replace('==', '>=')}; sys_platform != 'darwin'" in _project()["dependencies"]


def _project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


def _names(requirements: Iterable[str]) -> Iterator[str]:
    """Normalised names of packages, without versions and markers."""
    for entry in requirements:
        yield re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", entry)[0]).lower()


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
