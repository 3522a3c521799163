"""Run every benchmark, or name the one to run: ``python -m benchmarks.NAME``."""

from __future__ import annotations

import sys

from benchmarks import prompts

if __name__ == "__main__":
    sys.exit(prompts.main())
