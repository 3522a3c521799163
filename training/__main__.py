"""``cellsam-train``: says plainly that this release does not train."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cellsam_desktop import __version__

_SENTENCE = f"Training a decoder is not part of CellSAM Desktop {__version__}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer ``--help`` and ``--version``; anything else ends with one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="cellsam-train", description=_SENTENCE)
    parser.add_argument("--version", action="version", version=f"cellsam-train {__version__}")
    parser.parse_known_args(arguments)
    print(_SENTENCE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
