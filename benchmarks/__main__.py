"""Run the benchmarks one after the other, and keep their tables in docs/performance.md.

    python -m benchmarks [NAME ...] [--keep] [-- OPTION ...]

Each runs in a process of its own, as ``python -m benchmarks.NAME OPTION ...``. With ``--keep`` what a
benchmark printed replaces its part of the page, together with the machine, the date and the command.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from benchmarks import page

NAMES = (
    "prompts",
    "decoder",
    "encoder",
    "first_click",
    "click",
    "startup",
    "bundle_start",
    "scale",
    "tracking",
    "linking",
    "curation",
    "lineage",
    "training",
    "training_recipe",
    "training_peer",
    "while_training",
    "while_writing",
)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code is that of the worst."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without one")
    parser.add_argument("--keep", action="store_true", help="write the tables to docs/performance.md")
    arguments, options = parser.parse_known_args(argv)
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(
            f"there is no benchmark called {', '.join(sorted(unknown))}: choose of {', '.join(NAMES)}"
        )
    options = [option for option in options if option != "--"]
    return max(_run(name, options, keep=arguments.keep) for name in arguments.names or NAMES)


def _run(name: str, options: Sequence[str], *, keep: bool) -> int:
    print(f"\n{name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(answer.stdout, flush=True)
    if keep and answer.stdout:
        page.replace(name, " ".join(["python -m", *command[2:]]), answer.stdout)
    return answer.returncode


if __name__ == "__main__":
    sys.exit(main())
