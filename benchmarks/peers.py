"""The other programs that benchmarks measure beside ours, in an environment of their own: ``.peers/``.

    python -m benchmarks.peers

makes it, once; it takes a minute and some gigabytes. Benchmarks leave out a peer that is not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from types import TracebackType
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / ".peers"
PACKAGES = (  # the same torch as ours, so that programs are compared and not its versions
    "laptrack==0.17.1",
    "micro_sam==1.8.14",
    "mobilesam-mirror==1.0.0",
    "timm==1.0.31",
    "torch==2.13.0",
    "torchvision==0.28.0",
)


class Peer:
    """A program in the peers' environment that answers one line of JSON with another.

    ``script`` lies beside this file and is given ``arguments``.
    """

    def __init__(self, script: str, *arguments: str, threads: int) -> None:
        number = str(threads)
        limits = {"OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [python(), str(Path(__file__).with_name(script)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **limits},
        )

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()  # closes its input, upon which it ends

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer.

        Raises:
            RuntimeError: it ended; why, it said on standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The peer ended with {self._process.wait()}.")
        answer: dict[str, Any] = json.loads(line)
        return answer


def python() -> Path:
    """The interpreter of the peers' environment."""
    return FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def present() -> bool:
    """Whether the environment was made."""
    return python().is_file()


def main() -> int:
    """Make the environment."""
    if not present():
        venv.create(FOLDER, with_pip=False)
    install = [sys.executable, "-m", "uv", "pip", "install", "--python", str(python()), *PACKAGES]
    return subprocess.run(install, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
