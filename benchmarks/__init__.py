"""Measurements of accuracy and speed on real images; each prints a table and one line of JSON."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program sets it, before numpy is imported
