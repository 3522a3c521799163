"""Make the project ready to run on this computer: environment, packages, system libraries, default weights.

``python3 scripts/setup.py`` is all a fresh computer needs, on Linux, macOS and Windows; ``make setup`` calls
it. Every step leaves a stamp in ``.stamps`` and is passed over until what it depends on changes.
Standard library only, and readable by any Python 3, so that an old one gets an answer instead of a traceback.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMPS = ROOT / ".stamps"
SUPPORTED = ((3, 13), (3, 12), (3, 11))
DEFAULT_MODEL = "vit_t"

sys.path.insert(0, str(ROOT))
from cellsam_desktop import system_libraries  # noqa: E402


class SetupError(Exception):
    """A step that failed; the message says what the user can do."""


def main() -> int:
    """Run the steps; 0 when the project is ready."""
    parser = argparse.ArgumentParser(description="Make CellSAM Desktop ready to run from this folder.")
    parser.add_argument("--reinstall", action="store_true", help="install every package again")
    parser.add_argument("--extras", default="dev", help="optional parts to install (default: dev)")
    parser.add_argument("--no-weights", action="store_true", help="do not fetch the default model")
    arguments = parser.parse_args()
    try:
        make_environment()
        install_packages(arguments.extras, reinstall=arguments.reinstall)
        install_system_libraries()
        if not arguments.no_weights:
            fetch_weights()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def make_environment() -> None:
    """Create ``.venv`` with a supported Python, unless a working one is there."""
    if works([PYTHON, "-c", "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"]):
        return
    python = supported_python()
    say(f"creating {VENV.name} with {python}")
    if VENV.exists():
        shutil.rmtree(VENV)
    if works([python, "-m", "venv", VENV]):
        return
    version = output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    package = f"python{version}-venv"
    if apt_install([package]) and works([python, "-m", "venv", VENV]):
        return
    # Without ensurepip, another pip can still fill an environment.
    run([python, "-m", "venv", "--without-pip", "--clear", VENV], "the environment cannot be created")
    if not works([python, "-m", "pip", "--python", PYTHON, "install", "pip"]):
        shutil.rmtree(VENV)
        raise SetupError(f"Python has no venv; install it with: sudo apt-get install -y {package}")


def supported_python() -> str:
    """The Python running this if it is supported, or else one found on the PATH."""
    if sys.version_info[:2] in SUPPORTED:
        return sys.executable
    for major, minor in SUPPORTED:
        found = shutil.which(f"python{major}.{minor}")
        if found:
            return found
    version = ".".join(map(str, sys.version_info[:2]))
    raise SetupError(
        f"Python 3.11, 3.12 or 3.13 is needed and this is {version}: install one and run it again."
    )


def install_packages(extras: str, *, reinstall: bool) -> None:
    """Install the project and its tested dependencies into ``.venv``."""
    inputs = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    stamp = Stamp(f"packages-{extras}", [str(ROOT), *(file.read_text(encoding="utf-8") for file in inputs)])
    if stamp.fresh() and not reinstall:
        return
    constraints = ["-c", str(ROOT / "constraints.txt")]
    wanted = [*constraints, "-e", f"{ROOT}[{extras}]"]
    say("installing packages (some gigabytes the first time)")
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    uv = BIN / "uv"
    if not works([PYTHON, "-c", "import pip"]):
        works([PYTHON, "-m", "ensurepip"])
    if works([uv, "--version"]) or works([*pip, "--quiet", *constraints, "uv"]):
        again = ["--reinstall"] if reinstall else []
        if works([uv, "pip", "install", "--python", PYTHON, *again, *wanted]):
            stamp.leave()
            return
        say("uv could not do it, trying pip")
    again = ["--force-reinstall"] if reinstall else []
    run([*pip, *again, *wanted], "the packages cannot be installed: is the package index within reach?")
    stamp.leave()


def install_system_libraries() -> None:
    """Install what Qt needs on Linux, and a virtual screen for the tests; tried once, never fatal."""
    if not sys.platform.startswith("linux"):
        return
    stamp = Stamp("system", [*system_libraries.WINDOW_PACKAGES, *system_libraries.TEST_PACKAGES])
    if stamp.fresh():
        return
    packages: list[str] = []
    if absent_libraries():
        packages.extend(system_libraries.WINDOW_PACKAGES)
    if not shutil.which("xvfb-run"):
        packages.extend(system_libraries.TEST_PACKAGES)
    if packages and not apt_install(packages):
        command = system_libraries.install_command(tuple(packages))
        say(f"some system libraries are missing and could not be installed; if need be: {command}")
    stamp.leave()


def absent_libraries() -> list[str]:
    """Libraries of the system that the installed Qt needs and does not find."""
    where = "import importlib.util as u; print(u.find_spec('PySide6').submodule_search_locations[0])"
    return system_libraries.missing_libraries(Path(output([PYTHON, "-c", where])) / "Qt")


def apt_install(packages: Iterable[str]) -> bool:
    """Install Debian packages if this is Debian or Ubuntu and we may; True when it worked."""
    if shutil.which("apt-get") is None:
        return False
    # Without a terminal nobody could answer sudo's question for the password.
    admin = [] if os.geteuid() == 0 else ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    if admin and not works([*admin, "true"]):
        return False
    packages = list(packages)
    say(f"installing {' '.join(packages)}")
    install = [*admin, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq"]
    install += ["--no-install-recommends", *packages]
    return works(install) or (works([*admin, "apt-get", "update", "-qq"]) and works(install))


def fetch_weights() -> None:
    """Fetch and verify the default model; quick when it is there."""
    command = [PYTHON, "-m", "cellsam_desktop", "models", "fetch", DEFAULT_MODEL]
    sentence = f"the weights of {DEFAULT_MODEL} cannot be fetched: run this again when online"
    run(command, sentence, stdout=subprocess.DEVNULL)  # it prints where they are


class Stamp:
    """A file that remembers what a step was done with."""

    def __init__(self, name: str, inputs: Iterable[str], environment: Path = VENV) -> None:
        self.file, self.environment = STAMPS / name, environment / "pyvenv.cfg"
        self.text = hashlib.sha256("\0".join(inputs).encode()).hexdigest()

    def fresh(self) -> bool:
        """Whether the step was done with these inputs in the environment that is there now."""
        if not (self.file.exists() and self.environment.exists()) or self.file.read_text() != self.text:
            return False
        return self.file.stat().st_mtime >= self.environment.stat().st_mtime

    def leave(self) -> None:
        """Note that the step is done."""
        STAMPS.mkdir(exist_ok=True)
        self.file.write_text(self.text)


def say(sentence: str) -> None:
    """Tell the user what is being done."""
    print(f"setup: {sentence}", flush=True)


def works(command: Sequence[str | Path]) -> bool:
    """Run a command that may fail; what it prints is shown only if it installs something."""
    quiet = subprocess.DEVNULL if "install" not in command else None
    try:
        return (
            subprocess.run(list(map(str, command)), stdout=quiet, stderr=quiet, check=False).returncode == 0
        )
    except OSError:
        return False


def run(command: Sequence[str | Path], sentence: str, stdout: int | None = None) -> None:
    """Run a command that must succeed."""
    if subprocess.run([str(word) for word in command], stdout=stdout, check=False).returncode != 0:
        raise SetupError(sentence)


def output(command: Sequence[str | Path]) -> str:
    """What a command prints."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
