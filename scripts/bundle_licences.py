"""Which packages of Python are in a bundle, and their licences."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

TEXTS = Path(__file__).resolve().parents[1] / "packaging" / "licences"  # of packages that bring none
_LICENCE_NAMES = ("licen", "copying", "notice", "authors")


def write_licences(folder: Path, left_out: set[str]) -> None:
    """The licence texts of every package inside, and of Python itself, with a list of them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = []
    for name in sorted(packages_inside(left_out), key=str.lower):
        known = metadata.distribution(name)
        lines.append(f"{known.metadata['Name']} {known.version}: {stated_licence(known)}")
        if text := licences_of(known):
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    python = Path(os.__file__).parent / "LICENSE.txt"
    if python.is_file():
        shutil.copyfile(python, folder / "Python-LICENSE.txt")
    for file in TEXTS.iterdir():
        shutil.copyfile(file, folder / file.name)
    (folder / "PACKAGES.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def licences_of(known: metadata.Distribution) -> str:
    """All licence texts of a package one after the other, each after its path; what several share once.

    A package may have a hundred of them, all called ``LICENSE``: those of what it contains itself.
    """
    paths: dict[str, list[str]] = {}
    for file in known.files or ():
        source = Path(str(known.locate_file(file)))
        if is_licence(file.name) and source.is_file():
            text = source.read_text(encoding="utf-8", errors="replace").strip()
            paths.setdefault(text, []).append(file.as_posix())
    return "\n\n".join("\n".join([*(f"=== {path}" for path in own), "", text]) for text, own in paths.items())


def is_licence(name: str) -> bool:
    """Whether a file of this name tells about rights, and is no code."""
    told = any(word in name.lower() for word in _LICENCE_NAMES)
    return told and not name.endswith((".py", ".pyc", ".so"))


def packages_inside(left_out: set[str]) -> set[str]:
    """Names of all packages that the program needs, directly or through others, but for ``left_out``."""
    seen: set[tuple[str, str]] = set()
    waiting = [("cellsam-desktop", "")]  # packages, and the optional part of each that is wanted
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or name in left_out:
            continue
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # another system's, or onnxruntime with another name
        seen.add((name, extra))
        for requirement in (Requirement(line) for line in known.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                needed = requirement.name.lower().replace("_", "-")
                waiting += [(needed, wanted) for wanted in ("", *requirement.extras)]
    return {name for name, _ in seen} | ({"onnxruntime"} if "torch" in left_out else set())


def stated_licence(known: metadata.Distribution) -> str:
    """What a package says of itself: the expression, or the first line of the field, or the classifiers."""
    expression = known.metadata.get("License-Expression") or known.metadata.get("License") or ""
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in known.metadata.get_all("Classifier", [])
        if line.startswith("License ::")
    ]
    first = expression.strip().partition("\n")[0]
    return first if 0 < len(first) < 80 else ", ".join(classifiers) or "see its licence file"
