"""The terms of libraries from the building system, not from a package of Python: X11, OpenSSL, GCC."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

DOCUMENTS = Path("/usr/share/doc")
COMMON = Path("/usr/share/common-licenses")
_OWNER = re.compile(r"^([\w.+-]+)(?::\w+)?: /", re.MULTILINE)
_REFERENCE = re.compile(rf"{COMMON}/([A-Z][\w.-]*\w)")


def add_system_licences(internal: Path) -> int:
    """Put the terms of every Debian package that a library in ``internal`` came from beside the others.

    The terms refer to licences that many share; these are copied as well. How many packages there were is
    returned: none where there is no dpkg.
    """
    folder = internal / "bundled" / "licences"
    referred: set[str] = set()
    packages = owners([file.name for file in internal.glob("*.so*") if not file.is_symlink()])
    for package in packages:
        terms = (DOCUMENTS / package / "copyright").read_text(encoding="utf-8", errors="replace")
        (folder / f"system-{package}.txt").write_text(terms, encoding="utf-8")
        referred.update(_REFERENCE.findall(terms))
    for name in sorted(referred):
        if (COMMON / name).is_file():
            shutil.copyfile(COMMON / name, folder / f"common-{name}.txt")
    return len(packages)


def owners(libraries: list[str]) -> list[str]:
    """The Debian packages that files of these names belong to, if they left their terms."""
    if shutil.which("dpkg-query") is None or not libraries:
        return []
    folders = [place for root in ("/lib", "/usr/lib") for place in Path(root).glob("*-linux-gnu*")]
    files = [str(folder / name) for folder in folders for name in libraries]
    # It answers with 1 when one of them belongs to nobody: those of the wheels do not.
    answer = subprocess.run(["dpkg-query", "--search", *files], capture_output=True, text=True, check=False)
    return sorted(
        {name for name in _OWNER.findall(answer.stdout) if (DOCUMENTS / name / "copyright").is_file()}
    )
