"""Build and test the installed program as far as a change asks for it: ``make bundle-check`` (decision 0277).

The lean build always, packed as well where there is time. The full one when the files it is made with are
not those that it was last tested with. Their sums stand in ``packaging/full-tested.sha256``, in the form of
``sha256sum``: written here when the tests of a full build have passed, and committed with the change.

``--until`` says when all has to be over, in seconds since 1970. An archive or a full build for which there
is no time or room is not begun, or ended; that is said, and the sums stay as they were, so that the full
build is asked for again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTED = ROOT / "packaging" / "full-tested.sha256"
PARTS = (
    "build.spec",
    "constraints.txt",
    "packaging/*.json",
    "packaging/*.svg",
    "packaging/licences/*",
    "packaging/linux/*",
    "scripts/bundle*.py",
    "tests/bundle/*.py",
)
"""What the full build is made and tested with, but for the program itself and what other systems need."""
STEPS = ("bundle", "bundle-test")
PACKING = ("archive-check",)
"""Done with the lean build: packing the full one would take longer than all the rest."""
PACKING_TAKES_S = 2 * 60.0  # at the very least
FULL_TAKES_S = 15 * 60.0  # on two cores
FULL_TAKES_GB = 10.0
_BY_HAND = "Where there is time and room: `make bundle-check`, and commit packaging/full-tested.sha256"


def main() -> int:
    """Build and test; 0 when all that was tested is well."""
    parser = argparse.ArgumentParser(description="Build and test the installed program.")
    parser.add_argument("--until", type=float, help="when all has to be over, in seconds since 1970")
    until = parser.parse_args().until
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was begun is ended too
    if (lean := build_and_test("lean", until)) != 0:
        say("the lean build is not well" if lean else "THE TIME IS OVER, and the lean build was not tested")
        return 1
    if (packed := pack(until)) != 0:
        say("the archive is not well")
        return packed
    sums = sums_of_parts(ROOT)
    changed = changes(TESTED.read_text(encoding="utf-8") if TESTED.is_file() else "", sums)
    if not changed:
        say("the full build was tested with the same files, so it is not built again")
        return 0
    say(f"the full build has to be tested, since these changed: {', '.join(changed)}")
    reason = refusal(until, free_gb())
    if reason is None and (full := build_and_test("full", until)) is not None:
        if full == 0:
            TESTED.write_text(sums, encoding="utf-8")
            say(f"the full build is well: commit {TESTED.relative_to(ROOT)}")
        return full
    say(f"THE FULL BUILD WAS NOT TESTED: {reason or 'the time was over before it was ready'}. {_BY_HAND}")
    return 0


def build_and_test(flavour: str, until: float | None) -> int | None:
    """The exit code of building and testing one flavour; None if that was ended when the time was over."""
    say(f"building and testing the {flavour} flavour")
    return made(STEPS, flavour, until)


def pack(until: float | None) -> int:
    """The exit code of packing the lean build within its limit; 0 where the time is too short for it."""
    left = seconds_left(until)
    code = None if left is not None and left < PACKING_TAKES_S else made(PACKING, "lean", until)
    if code is None:
        say("THE LEAN BUILD WAS NOT PACKED: the time is over. Where there is time: `make archive-check`")
    return code or 0


def made(steps: tuple[str, ...], flavour: str, until: float | None) -> int | None:
    """The exit code of ``make`` with these targets; None if it was ended when the time was over."""
    began = time.time()
    command = ["make", *steps, f"FLAVOUR={flavour}"]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        code = process.wait(seconds_left(until))
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:  # also when this is interrupted: make has children, they have children
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    say(f"{' and '.join(steps)} of the {flavour} flavour took {time.time() - began:.0f} s")
    return code


def seconds_left(until: float | None) -> float | None:
    """How long it is until then, at least 0."""
    return None if until is None else max(until - time.time(), 0.0)


def sums_of_parts(root: Path) -> str:
    """The sum of each of ``PARTS`` below ``root``, a line each."""
    files = sorted({file for pattern in PARTS for file in root.glob(pattern) if file.is_file()})
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(root).as_posix()}\n"
        for file in files
    )


def changes(before: str, now: str) -> list[str]:
    """Names of the files whose lines differ: changed, new or gone."""
    differing = set(before.splitlines()) ^ set(now.splitlines())
    return sorted({line.partition("  ")[2] for line in differing})


def refusal(until: float | None, free: float) -> str | None:
    """Why the full build is not begun with ``free`` GB; None if it can be."""
    left = seconds_left(until)
    if left is not None and left < FULL_TAKES_S:
        return f"it takes {FULL_TAKES_S / 60:.0f} minutes, and {left / 60:.0f} are left"
    if free < FULL_TAKES_GB:
        return f"it takes {FULL_TAKES_GB:.0f} GB of disk, and {free:.0f} are free"
    return None


def free_gb() -> float:
    """What is free where the build and the files of its tests go, in GB."""
    return min(shutil.disk_usage(place).free for place in (ROOT, tempfile.gettempdir())) / 1e9


def say(sentence: str) -> None:
    """Tell what is decided."""
    print(f"bundle-check: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
