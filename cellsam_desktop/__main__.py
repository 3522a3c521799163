"""``python -m cellsam_desktop`` and the entry of the installed executable."""

from __future__ import annotations

import sys

from cellsam_desktop.cli import main

if __name__ == "__main__":
    sys.exit(main())
