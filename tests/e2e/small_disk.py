"""Training in a process that cannot write files beyond ten megabytes, as if the disk were full."""

from __future__ import annotations

import resource
import signal
import sys

from cellsam_desktop.jobs import training_main

MOST = 10_000_000

if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))
    sys.exit(training_main.main(sys.argv[1:]))
