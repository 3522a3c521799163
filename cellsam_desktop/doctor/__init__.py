"""``cellsam-desktop doctor``: what works on this computer, and what mends the rest.

Everything that may be broken is tried in a process of its own, so the doctor always answers.
"""

from cellsam_desktop.doctor.command import add_parser, run

__all__ = ["add_parser", "run"]
