"""Starting the built program, shut off from all that its computer has beside it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

# Makes a place read-only, then becomes the program. Only the superuser, or one in a namespace, may.
_READ_ONLY = 'PATH= ; "$0" --bind "$1" "$1" && "$0" -o remount,bind,ro "$1" && shift && exec "$@"'
_PATIENCE_S = 400
_PROCESSES = Path("/proc")


def built_version(folder: Path) -> str:
    """The version of the program in ``folder``."""
    text = (folder / "_internal" / "bundled" / "build.json").read_text(encoding="utf-8")
    return str(json.loads(text)["version"])


def isolation(folder: Path) -> list[str]:
    """The words before a command that take the network away and make ``folder`` read-only.

    Where the system allows no namespaces, the folder is made unwritable, and proxies lead nowhere.
    """
    unshare, mount = shutil.which("unshare"), shutil.which("mount")
    for options in (["--net", "--mount"], ["--map-root-user", "--net", "--mount"]):
        if unshare is None or mount is None:
            break
        words = [unshare, *options, "/bin/sh", "-c", _READ_ONLY, mount, str(folder)]
        if subprocess.run([*words, "/bin/true"], capture_output=True, check=False).returncode == 0:
            return words
    for place in (folder, *(inner for inner in folder.rglob("*") if inner.is_dir())):
        place.chmod(0o555)
    return []


class Program:
    """The executable and a home for it."""

    def __init__(self, executable: Path, home: Path, walls: list[str]) -> None:
        self.executable, self.home = executable, home
        self._walls = walls
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """All that the program is told: no PATH, no Python, no network."""
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
        told = {"HOME": str(self.home), "PATH": "", "LANG": "C.UTF-8", **nowhere}
        if os.name == "nt":
            places = ("USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP")
            told |= dict.fromkeys(places, str(self.home)) | {"SYSTEMROOT": os.environ["SYSTEMROOT"]}
        return told

    def run(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        return subprocess.run(
            self._command(words),
            env=self.environment | more,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )

    def start(self, display: str, *words: object) -> subprocess.Popen[bytes]:
        """Open the window."""
        environment = self.environment | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        process = subprocess.Popen(self._command(words), env=environment, cwd=self.home)
        self._started.append(process)
        return process

    def popen(self, *words: object) -> subprocess.Popen[str]:
        """Start a verb that is spoken with."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self._command(words), env=self.environment, cwd=self.home, stdin=pipe, stdout=pipe, text=True
        )

    def workers(self) -> list[int]:
        """Process ids of the encoder's workers."""
        return [pid for pid, words in self._processes() if "--worker" in words and "training" not in words]

    def end_all(self) -> None:
        """Kill what is left; its workers end by themselves."""
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait(20)
        end = time.monotonic() + 20
        while self._processes() and time.monotonic() < end:
            time.sleep(0.1)
        left = self._processes()
        for pid, _ in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"outlived the window: {left}"

    def _command(self, words: tuple[object, ...]) -> list[str]:
        return [*self._walls, str(self.executable), *map(str, words)]

    def _processes(self) -> list[tuple[int, list[str]]]:
        """All running copies of this executable, with their words."""
        found: list[tuple[int, list[str]]] = []
        if not _PROCESSES.is_dir():
            return found
        for entry in _PROCESSES.iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if words[0] == str(self.executable):
                    found.append((int(entry.name), words[1:]))
        return found
