"""What the curator does to tracks, as pure functions from a document to edits.

Each returns the edits of one transaction, which leaves every rule of the document intact, or raises
``EditRefused`` with the reason and the remedy. Where that says ``forceable``, the same call with
``force=True`` does it all the same, at the cost that the docstring names.
"""

from cellsam_desktop.core.track_edits.divisions import (
    accept_division,
    descendants,
    divide,
    divide_here,
    forget_descendants,
    is_proposed,
    is_provisional,
    refuse_division,
    undivide,
)
from cellsam_desktop.core.track_edits.masks import (
    delete_from_here,
    delete_here,
    extend_into_gap,
    split_mask,
)
from cellsam_desktop.core.track_edits.records import corrected
from cellsam_desktop.core.track_edits.relabelling import relabel
from cellsam_desktop.core.track_edits.tracks import link, merge_tracks, rename, swap_from_here, unlink_here

__all__ = [
    "accept_division",
    "corrected",
    "delete_from_here",
    "delete_here",
    "descendants",
    "divide",
    "divide_here",
    "extend_into_gap",
    "forget_descendants",
    "is_proposed",
    "is_provisional",
    "link",
    "merge_tracks",
    "refuse_division",
    "relabel",
    "rename",
    "split_mask",
    "swap_from_here",
    "undivide",
    "unlink_here",
]
